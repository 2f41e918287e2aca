//! Commands that come to a bad end: what they did until then is kept, and why they failed is said.

use pgrehearse::postgres::LockMode::AccessExclusiveLock;
use pgrehearse::report::{Outcome, Step};

use super::project::{Project, Rehearsed, lock};

/// Rehearses a command that fails, and looks at its step.
fn check(project: &Project, arguments: &[&str], expect: impl Fn(&Rehearsed, &Step, &str)) {
    let rehearsed = project.run(&[&["--base", "base.sql"], arguments].concat());
    assert_eq!(rehearsed.code, Some(1), "{}", rehearsed.said);
    assert_eq!(rehearsed.report.outcome, Outcome::MigrationFailed);
    let step = &rehearsed.report.runs[0].steps[0];
    let message = &step.error.as_ref().unwrap().message;
    // It is said on several lines.
    let said: Vec<_> = rehearsed.said.split_whitespace().collect();
    assert!(said.join(" ").contains(message.as_str()), "{said:?}");
    expect(&rehearsed, step, message);
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let line = "no-such-tool-anywhere migrate";
    check(
        &Project::new(&[]),
        &["--command", line],
        |_, step, message| {
            assert_eq!(message, "the command was not found (exit code 127)");
            assert_eq!(step.name, line);
            let end = step.command.as_ref().unwrap();
            assert_eq!(end.exit_code, Some(127));
            assert!(end.output.contains("no-such-tool-anywhere"), "{end:?}");
        },
    );
}

#[test]
fn a_command_that_fails_half_way_keeps_its_statements_and_locks() {
    let project = Project::new(&[(
        "up.sql",
        "BEGIN;\nALTER TABLE orders ADD COLUMN note text;\nSELECT 1 / 0;\nCOMMIT;\n",
    )]);
    let line = "psql -X -v ON_ERROR_STOP=1 -f up.sql";
    check(
        &project,
        &["--command", line],
        |rehearsed, step, message| {
            assert_eq!(message, "division by zero (the command exited with 3)");
            let error = step.error.as_ref().unwrap();
            assert_eq!(error.sqlstate.unwrap().as_str(), "22012");
            let ran: Vec<_> = step.statements.iter().map(|one| one.sql.as_str()).collect();
            let expected = ["ALTER TABLE orders ADD COLUMN note text", "SELECT 1 / 0"];
            assert_eq!(ran, expected);
            assert_eq!(error.statement, Some(1));
            let end = step.command.as_ref().unwrap();
            assert_eq!(end.exit_code, Some(3));
            assert!(end.output.contains("division by zero"), "{end:?}");
            let told = rehearsed
                .said
                .contains("| psql:up.sql:3: ERROR:  division by zero");
            assert!(told, "{}", rehearsed.said);
            lock(
                &rehearsed.report.runs[0],
                "alter table",
                AccessExclusiveLock,
            );
        },
    );
}

#[test]
fn a_command_that_goes_elsewhere_is_no_success() {
    let line = "echo migrated";
    check(
        &Project::new(&[]),
        &["--command", line],
        |_, step, message| {
            assert!(message.contains("never connected"), "{message}");
            assert!(message.contains("DATABASE_URL"), "{message}");
            assert_eq!(step.statements, []);
            let end = step.command.as_ref().unwrap();
            assert_eq!((end.exit_code, &*end.output), (Some(0), "migrated\n"));
        },
    );
}

#[test]
fn a_command_that_hangs_is_ended_and_lets_go_of_its_locks() {
    let project = Project::new(&[(
        "up.sql",
        "BEGIN;\nALTER TABLE orders ADD COLUMN note text;\nSELECT pg_sleep(600);\n",
    )]);
    let line = "psql -X -f up.sql";
    let arguments = ["--command", line, "--command-limit", "2s"];
    check(&project, &arguments, |rehearsed, step, message| {
        assert!(message.contains("did not end within 2 s"), "{message}");
        assert_eq!(step.command.as_ref().unwrap().exit_code, None);
        let run = &rehearsed.report.runs[0];
        let lock = lock(run, "alter table", AccessExclusiveLock);
        assert!(lock.hold_ms > 1_000.0, "{lock:?}");
        assert!(run.blocked.queries > 0);
        // What waited has come back.
        let lost: u64 = run.traffic.iter().map(|one| one.figures.censored).sum();
        assert_eq!(lost, 0, "{:?}", run.traffic);
    });
}

#[test]
fn what_sqitch_would_not_take_up_is_refused_before_anything_starts() {
    let change = "2024-01-01T00:00:00Z n <n@example.com> # why\n";
    let project = Project::new(&[
        (
            "sqitch.plan",
            &format!("%project=shop\n\na {change}b {change}"),
        ),
        ("deploy/a.sql", "CREATE TABLE a ();"),
        ("deploy/b.sql", "CREATE TABLE b ();"),
    ]);
    let out = tempfile::tempdir().unwrap();
    let arguments = ["--migrations", ".", "--command", "sqitch deploy"];
    let (code, said) = project.said(out.path(), &arguments);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("what it has deployed itself; give --base"),
        "{said}"
    );
}
