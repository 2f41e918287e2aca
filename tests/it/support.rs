//! What the tests share: the command with a cache of its own, and the reports it writes.

use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use pgrehearse::rehearse::workload::QueryKind;
use pgrehearse::report::{Lock, Phase, Report, Run};

/// One cache for all tests, so that a dataset is seeded once. Below the system's temporary directory, which the
/// user that a server started by root runs as can enter.
pub(crate) fn cache_dir() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("pgrehearse-tests-{user}"))
}

/// The command as a user runs it in the repository.
pub(crate) fn pgrehearse() -> Command {
    let mut command = Command::cargo_bin("pgrehearse").expect("cargo has built it");
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PGREHEARSE_CACHE_DIR", cache_dir())
        .env_remove("PGREHEARSE_URL");
    command
}

/// A run of scenarios with its reports in a directory of its own.
pub(crate) struct Rehearsed {
    pub(crate) output: Output,
    out: tempfile::TempDir,
}

impl Rehearsed {
    /// Runs `pgrehearse run` with these arguments.
    pub(crate) fn run(arguments: &[&str]) -> Rehearsed {
        let out = tempfile::tempdir().expect("a temporary directory");
        let output = pgrehearse()
            .arg("run")
            .args(arguments)
            .arg("--out")
            .arg(out.path())
            .output()
            .expect("it starts");
        Rehearsed { output, out }
    }

    /// The report of a scenario, as it was written.
    pub(crate) fn report(&self, scenario: &str) -> Report {
        let path = self.path(scenario);
        let text = std::fs::read_to_string(&path);
        let text =
            text.unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), self.stderr()));
        Report::read(&text).expect("the report is one")
    }

    pub(crate) fn path(&self, scenario: &str) -> PathBuf {
        self.out.path().join(scenario).join("report.json")
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

/// The locks on a relation that was there before, strongest first.
pub(crate) fn locks_on<'a>(run: &'a Run, relation: &str) -> Vec<&'a Lock> {
    let on = |lock: &&Lock| lock.relation.to_string() == relation && !lock.created_here;
    let mut locks: Vec<_> = run.locks.iter().filter(on).collect();
    locks.sort_by_key(|lock| std::cmp::Reverse(lock.mode));
    locks
}

/// Errors with this SQLSTATE from the migration on.
pub(crate) fn errors(run: &Run, sqlstate: &str) -> u64 {
    let later = run
        .traffic
        .iter()
        .filter(|traffic| traffic.phase != Phase::Baseline);
    later
        .flat_map(|traffic| &traffic.figures.errors)
        .filter(|(state, _)| state.as_str() == sqlstate)
        .map(|(_, n)| n)
        .sum()
}

/// Queries of a kind that came back in a phase.
pub(crate) fn completed(run: &Run, phase: Phase, kind: QueryKind) -> u64 {
    let totals = run
        .traffic_totals
        .iter()
        .filter(|total| total.phase == phase && total.kind == kind);
    totals.map(|total| total.figures.count).sum()
}

/// Waits until it is so, for a minute at most.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut polls = tokio::time::interval(std::time::Duration::from_millis(10));
    loop {
        polls.tick().await;
        if is_so().await {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}");
    }
}
