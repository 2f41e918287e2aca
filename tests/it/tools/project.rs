//! A small project with the files of its migration tool, rehearsals of it, and what to expect of every tool.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pgrehearse::postgres::LockMode;
use pgrehearse::provision::{self, Choice, Role};
use pgrehearse::rehearse::{command, workload};
use pgrehearse::report::{Lock, Outcome, Report, Run, Statement};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::provision::scene::Scene;
use crate::support::{locks_on, pgrehearse};

/// Rehearsals of a second or two.
const TOML: &str = "rows = 30000\n\
                    [load]\narrivals_per_s = 100\nconnections = 8\nwarmup = '200ms'\nbaseline = '500ms'\n\
                    recovery = '500ms'\nrecovery_limit = '5s'\n";

/// The tables of the application, as each tool's first migration makes them.
pub(super) const SCHEMA: &str = "\
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id), status text NOT NULL, placed_at timestamptz NOT NULL);
";

pub(super) struct Project {
    dir: tempfile::TempDir,
}

/// What came of `pgrehearse run`.
pub(super) struct Rehearsed {
    pub(super) code: Option<i32>,
    pub(super) said: String,
    pub(super) report: Report,
}

impl Project {
    pub(super) fn new(files: &[(&str, &str)]) -> Project {
        let project = Project {
            dir: tempfile::tempdir().unwrap(),
        };
        project.write(&[("pgrehearse.toml", TOML), ("base.sql", SCHEMA)]);
        project.write(files);
        project
    }

    pub(super) fn write(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// Commits all files, so that those to come are new.
    pub(super) fn commit(&self) {
        for arguments in [
            &["init", "-q"][..],
            &["add", "."],
            &[
                "-c",
                "user.name=n",
                "-c",
                "user.email=n@example.com",
                "commit",
                "-q",
                "-m",
                "so far",
            ],
        ] {
            let git = Command::new("git")
                .arg("-C")
                .arg(self.dir.path())
                .args(arguments)
                .status();
            assert!(git.unwrap().success(), "{arguments:?}");
        }
    }

    /// Lets the tool migrate an empty database, and takes what is in there then as the base: the tables, and what
    /// the tool keeps of its migrations.
    pub(super) fn begin_with(&self, line: &str) {
        let command = workload::Command {
            line: line.to_owned(),
            dir: self.dir.path().to_owned(),
            limit: Duration::from_secs(60),
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let dumped = runtime.block_on(async {
            let scene = Scene::new();
            let host = provision::open(&scene.spec(Choice::Local), None, &scene.talk()).await;
            let server = host.unwrap().start_empty("tools").await.unwrap();
            command::run(&command, &server).await.unwrap();
            dump(&server.config(Role::Migration))
        });
        assert!(dumped.contains("CREATE TABLE public.orders"), "{dumped}");
        self.write(&[("base.sql", &dumped)]);
    }

    /// Rehearses in the project's directory.
    pub(super) fn run(&self, arguments: &[&str]) -> Rehearsed {
        let out = tempfile::tempdir().unwrap();
        let (code, said) = self.said(out.path(), arguments);
        let written = out.path().read_dir().unwrap().next();
        let dir = written.unwrap_or_else(|| panic!("no report: {said}"));
        let report = std::fs::read_to_string(dir.unwrap().path().join("report.json")).unwrap();
        Rehearsed {
            code,
            report: Report::read(&report).unwrap(),
            said,
        }
    }

    /// The exit code, and all that is said.
    pub(super) fn said(&self, out: &Path, arguments: &[&str]) -> (Option<i32>, String) {
        let output = pgrehearse()
            .current_dir(self.dir.path())
            .args(["run", "--provider", "local", "--out"])
            .arg(out)
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), said)
    }

    /// Lets the tool migrate what is in `base.sql`, and looks at the only run, which must have come to a good end.
    pub(super) fn check(&self, line: &str, expect: impl Fn(&Run)) {
        self.check_on(&["--base", "base.sql"], line, expect);
    }

    /// The same on what these arguments say.
    pub(super) fn check_on(&self, base: &[&str], line: &str, expect: impl Fn(&Run)) {
        assert!(
            std::env::var_os("PGREHEARSE_TOOLS").is_some(),
            "PGREHEARSE_TOOLS is to name the directory that .ci/tools has filled"
        );
        let rehearsed = self.run(&[base, &["--command", line]].concat());
        let run = &rehearsed.report.runs[0];
        let end = run.steps[0].command.as_ref().unwrap();
        assert_eq!(end.exit_code, Some(0), "{}\n{}", end.output, rehearsed.said);
        assert_eq!(rehearsed.report.outcome, Outcome::Completed);
        assert_eq!(rehearsed.code, Some(0), "{}", rehearsed.said);
        assert_eq!(end.refused, [] as [&str; 0]);
        assert_eq!(run.warnings, [] as [&str; 0], "{}", rehearsed.said);
        assert_eq!(rehearsed.report.dataset.rows["orders"], 30_000);
        let errors = run.traffic.iter().flat_map(|one| &one.figures.errors);
        assert_eq!(errors.count(), 0, "{:?}", run.traffic);
        expect(run);
    }
}

/// The schema, with the rows that are there as INSERTs.
fn dump(config: &Config) -> String {
    let [Host::Unix(socket)] = config.get_hosts() else {
        panic!("it listens on a socket")
    };
    let password = config.get_password().unwrap_or_default();
    let output = Command::new("pg_dump")
        .args(["--inserts", "--no-owner"])
        .env("PGHOST", socket)
        .env("PGPORT", config.get_ports()[0].to_string())
        .env("PGUSER", config.get_user().unwrap())
        .env("PGPASSWORD", String::from_utf8_lossy(password).as_ref())
        .env("PGDATABASE", config.get_dbname().unwrap())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The statement that has this in it, in whatever case, and the number of its step from 0.
pub(super) fn statement<'a>(run: &'a Run, part: &str) -> (usize, &'a Statement) {
    let steps = run.steps.iter().enumerate();
    let mut all = steps.flat_map(|(at, step)| step.statements.iter().map(move |one| (at, one)));
    let found = all.find(|(_, one)| one.sql.to_lowercase().contains(&part.to_lowercase()));
    found.unwrap_or_else(|| panic!("no {part}: {:#?}", run.steps))
}

/// The lock of this mode on `orders`, which the statement with this in it took and let go of with its transaction.
pub(super) fn lock<'a>(run: &'a Run, part: &str, mode: LockMode) -> &'a Lock {
    let (step, statement) = statement(run, part);
    let locks = locks_on(run, "public.orders");
    let found = locks
        .iter()
        .find(|lock| (lock.step, lock.statement, lock.mode) == (step, statement.index, mode));
    let lock = found.unwrap_or_else(|| panic!("no {mode:?} of {statement:?}: {locks:#?}"));
    assert!(lock.granted, "{lock:?}");
    assert!(lock.hold_ms > 0.0, "{lock:?}");
    let step = &run.steps[step];
    assert!(lock.hold_ms <= step.duration_ms, "{lock:?}, {step:?}");
    assert!(lock.request_ms >= statement.start_ms, "{lock:?}");
    lock
}

/// Whether both went with one transaction, the first having been held all through the second.
pub(super) fn piled_up(first: &Lock, second: &Lock) -> bool {
    let released_us = |lock: &Lock| ((lock.request_ms + lock.span_ms) * 1_000.0).round() as i64;
    first.session == second.session
        && released_us(first) == released_us(second)
        && first.hold_ms >= second.hold_ms
}

/// The locks of one transaction: relation and mode.
pub(super) type Held = BTreeSet<(String, LockMode)>;

/// The locks on the application's tables that were there, by the transaction that held them, in order.
pub(super) fn transactions(run: &Run) -> Vec<Held> {
    let mut held: BTreeMap<i64, Held> = BTreeMap::new();
    for relation in ["public.orders", "public.users"] {
        for lock in locks_on(run, relation) {
            let released_us = ((lock.request_ms + lock.span_ms) * 1_000.0).round() as i64;
            let all = held.entry(released_us).or_default();
            all.insert((relation.to_owned(), lock.mode));
        }
    }
    held.into_values().collect()
}
