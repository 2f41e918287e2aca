//! A repository with migrations and nothing else: from the directory to the report.

use std::path::Path;
use std::process::Output;

use pgrehearse::postgres::LockMode;
use pgrehearse::report::{Outcome, Phase, Report};

use crate::support::{cache_dir, locks_on};

/// A repository of somebody's, in goose's layout.
struct Repository(tempfile::TempDir);

const USERS: &str = "CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE);";
const ORDERS: &str = "CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users (id), \
                      total numeric(10, 2) NOT NULL CHECK (total >= 0), placed_at timestamptz NOT NULL DEFAULT now());\n\
                      CREATE INDEX orders_user_id ON orders (user_id);";

const SHORT: &str = "rows = 20_000\n[load]\nwarmup = \"200ms\"\nbaseline = \"1s\"\nrecovery = \"500ms\"\n\
                     recovery_limit = \"2s\"\narrivals_per_s = 150\nconnections = 8\n";

impl Repository {
    fn new() -> Repository {
        let repository = Repository(tempfile::tempdir().unwrap());
        repository.migration("00001_users", USERS);
        repository.migration("00002_orders", ORDERS);
        repository
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn migration(&self, name: &str, up: &str) {
        let text = format!("-- +goose Up\n{up}\n-- +goose Down\nSELECT 1;\n");
        self.write(&format!("db/migrations/{name}.sql"), &text);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = assert_cmd::Command::cargo_bin("pgrehearse").unwrap();
        command
            .current_dir(self.dir())
            .env("PGREHEARSE_CACHE_DIR", cache_dir())
            .env_remove("PGREHEARSE_URL")
            .args(arguments)
            .output()
            .unwrap()
    }

    fn report(&self, name: &str, said: &Output) -> Report {
        let path = self.dir().join("rehearsals").join(name).join("report.json");
        let text = std::fs::read_to_string(&path);
        let text = text.unwrap_or_else(|error| panic!("{error}: {}", stderr(said)));
        Report::read(&text).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_directory_of_migrations_is_enough() {
    let repository = Repository::new();
    repository.migration(
        "00003_note",
        "ALTER TABLE orders ADD COLUMN note text;\nCREATE INDEX orders_note ON orders (note);",
    );
    repository.write("pgrehearse.toml", SHORT);
    let said = repository.run(&[
        "run",
        "--migrations",
        "db/migrations",
        "--write-workload",
        "w.toml",
    ]);
    assert_eq!(said.status.code(), Some(0), "{}", stderr(&said));
    let report = repository.report("00003_note", &said);
    assert_eq!(report.outcome, Outcome::Completed);
    assert_eq!(report.dataset.rows["orders"], 20_000);
    let [run] = &report.runs[..] else {
        panic!("{} runs", report.runs.len());
    };
    // goose runs a file in one transaction: the ALTER's lock is held while the index is built.
    let locks = locks_on(run, "public.orders");
    assert_eq!(locks[0].mode, LockMode::AccessExclusiveLock);
    assert!(locks[0].hold_ms >= run.steps[0].statements[1].duration_ms);
    // The derived traffic does not fail by itself, neither before nor after.
    let came_back = |app: &str, phase: Phase| -> u64 {
        let own = run
            .traffic
            .iter()
            .filter(|t| t.app == app && t.phase == phase);
        own.inspect(|t| assert!(t.figures.errors.is_empty(), "{t:?}"))
            .map(|t| t.figures.count)
            .sum()
    };
    assert!(came_back("v1", Phase::Baseline) > 50);
    assert!(came_back("v2", Phase::Recovery) > 10);
    // The new version's queries know the new column.
    let workload = std::fs::read_to_string(repository.dir().join("w.toml")).unwrap();
    let (v1, v2) = workload.split_once("[apps.v2]").unwrap();
    assert!(!v1.contains("note") && v2.contains("note"), "{workload}");
}

#[test]
fn a_migration_that_the_others_stand_on_fails_with_its_place_before_anything_is_filled() {
    let repository = Repository::new();
    repository.migration(
        "00003_broken",
        "SELECT 1;\nALTER TABLE orderz ADD note text;",
    );
    repository.migration("00004_last", "ALTER TABLE orders ADD note text;");
    repository.write("pgrehearse.toml", SHORT);
    let said = repository.run(&["run", "--migrations", "db/migrations"]);
    assert_eq!(said.status.code(), Some(2), "{}", stderr(&said));
    let wanted = "db/migrations/00003_broken.sql:3: this migration fails, before what is rehearsed: \
                  relation \"orderz\" does not exist [42P01]";
    assert!(stderr(&said).contains(wanted), "{}", stderr(&said));
    assert!(!stderr(&said).contains("filling"), "{}", stderr(&said));
}

#[test]
fn a_command_is_traced_on_its_way_and_what_it_prints_is_kept() {
    let repository = Repository::new();
    repository.write("schema.sql", &format!("{USERS}\n{ORDERS}"));
    repository.write(
        "up.sql",
        "BEGIN;\nALTER TABLE orders ADD COLUMN note text;\nSELECT pg_sleep(0.2);\nCOMMIT;\n",
    );
    repository.write("pgrehearse.toml", SHORT);
    let command = "echo migrating; psql -q -v ON_ERROR_STOP=1 -f up.sql";
    let said = repository.run(&["run", "--base", "schema.sql", "--command", command]);
    assert_eq!(said.status.code(), Some(0), "{}", stderr(&said));
    let report = repository.report(&report_name(&repository), &said);
    let [run] = &report.runs[..] else {
        panic!("{} runs", report.runs.len());
    };
    let end = run.steps[0].command.as_ref().unwrap();
    assert_eq!(end.exit_code, Some(0));
    assert!(end.output.starts_with("migrating\n"), "{}", end.output);
    let locks = locks_on(run, "public.orders");
    assert_eq!(locks[0].mode, LockMode::AccessExclusiveLock);
    // Held while the transaction slept, and not longer than the command ran.
    assert!(locks[0].hold_ms >= 200.0 && locks[0].hold_ms <= run.steps[0].duration_ms);
    let taken_by = &run.steps[0].statements[locks[0].statement];
    assert!(taken_by.sql.starts_with("ALTER TABLE"), "{taken_by:?}");
}

#[test]
fn a_command_that_goes_elsewhere_or_fails_is_a_failed_migration() {
    for (command, words) in [
        ("true", "never connected to the server"),
        (
            "psql -q -v ON_ERROR_STOP=1 -c 'ALTER TABLE gone ADD x int'",
            "does not exist",
        ),
    ] {
        let repository = Repository::new();
        repository.write("schema.sql", &format!("{USERS}\n{ORDERS}"));
        repository.write("pgrehearse.toml", SHORT);
        let said = repository.run(&["run", "--base", "schema.sql", "--command", command]);
        assert_eq!(said.status.code(), Some(1), "{}", stderr(&said));
        let report = repository.report(&report_name(&repository), &said);
        assert_eq!(report.outcome, Outcome::MigrationFailed);
        let error = report.runs[0].steps[0].error.as_ref().unwrap();
        assert!(error.message.contains(words), "{}", error.message);
    }
}

/// The only report that there is.
fn report_name(repository: &Repository) -> String {
    let mut reports = std::fs::read_dir(repository.dir().join("rehearsals")).unwrap();
    let report = reports.next().unwrap().unwrap();
    report.file_name().into_string().unwrap()
}
