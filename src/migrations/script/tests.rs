//! Scripts in all shapes: statements, transaction rules, and what is no script.

use super::*;
use StatementKind::*;

fn parse(text: &str) -> Result<Script, ScriptError> {
    Script::parse(text, Path::new("up.sql"), "up.sql")
}

fn kinds(text: &str) -> Vec<StatementKind> {
    let script = parse(text).unwrap();
    script.statements.iter().map(|s| s.kind).collect()
}

#[test]
fn statements_come_with_their_lines_and_without_what_surrounds_them() {
    let script = parse(
        "-- first\n\nCREATE TABLE a (id int); -- after\n/* before; */ ;\nSELECT 1 -- no; end\n;\nSELECT 2",
    )
    .unwrap();
    let found: Vec<_> = script
        .statements
        .iter()
        .map(|s| (s.index, s.line, s.sql.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (0, 3, "CREATE TABLE a (id int)"),
            (1, 5, "SELECT 1"),
            (2, 7, "SELECT 2")
        ]
    );
    assert_eq!(script.transaction, Transaction::WholeFile);
}

#[test]
fn semicolons_in_strings_bodies_and_comments_end_nothing() {
    let text = "INSERT INTO a VALUES ('x; y', $t$ ; $t$, E'\\'; ');
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.x := 1; RETURN NEW;
END $$;
CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
DO $do$ BEGIN EXECUTE 'SELECT 1;'; END $do$;
SELECT \"a;b\" /* ; /* ; */ ; */ FROM c;";
    let script = parse(&text.replace("\\\"", "\"")).unwrap();
    let lines: Vec<_> = script.statements.iter().map(|s| s.line).collect();
    assert_eq!(lines, [1, 2, 6, 7, 8]);
    assert!(script.statements[2].sql.ends_with("SELECT 2; END"));
}

#[test]
fn what_cannot_run_in_a_transaction_is_known() {
    for sql in [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (VERBOSE, CONCURRENTLY) INDEX i",
        "REINDEX SCHEMA public",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "VACUUM (FULL, ANALYZE) t",
        "CREATE DATABASE d",
        "DROP DATABASE d",
        "ALTER DATABASE d SET TABLESPACE s",
        "CREATE TABLESPACE s LOCATION '/s'",
        "DROP TABLESPACE s",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CLUSTER",
        "DISCARD ALL",
        "COMMIT PREPARED 'x'",
        "DO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$",
    ] {
        assert_eq!(kinds(sql), [OutsideTransaction], "{sql}");
        let transaction = parse(sql).unwrap().transaction;
        assert_eq!(transaction, Transaction::PerStatement, "{sql}");
    }
}

#[test]
fn what_can_run_in_a_transaction_does() {
    for sql in [
        "CREATE INDEX i ON t (a)",
        "REINDEX TABLE t",
        "CLUSTER t USING i",
        "ANALYZE t",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "ALTER TYPE e ADD VALUE 'x'",
        "ALTER TABLE t DETACH PARTITION p",
        "ROLLBACK TO SAVEPOINT s",
        "DO $$ BEGIN PERFORM 1; END $$",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
    ] {
        assert_eq!(kinds(sql), [Plain], "{sql}");
    }
}

#[test]
fn a_script_with_its_own_transactions_is_run_as_written() {
    let text = "BEGIN; SELECT 1; COMMIT; CREATE INDEX CONCURRENTLY i ON t (a);";
    assert_eq!(kinds(text), [Begin, Plain, Commit, OutsideTransaction]);
    assert_eq!(parse(text).unwrap().transaction, Transaction::AsWritten);
    assert_eq!(
        kinds("START TRANSACTION ISOLATION LEVEL SERIALIZABLE; ABORT; END;"),
        [Begin, Rollback, Commit]
    );
}

#[test]
fn what_is_committed_is_not_run_again() {
    let resumed = |text: &str| {
        let script = parse(text).unwrap();
        let all = 0..script.statements.len();
        all.map(|failed| script.resume_at(failed))
            .collect::<Vec<_>>()
    };
    assert_eq!(resumed("SELECT 1; SELECT 2; SELECT 3"), [0, 0, 0]);
    assert_eq!(resumed("SELECT 1; VACUUM t; SELECT 3"), [0, 1, 2]);
    let text = "SELECT 1; BEGIN; SELECT 2; SELECT 3; COMMIT; SELECT 4; BEGIN; SELECT 5; END";
    assert_eq!(resumed(text), [0, 1, 1, 1, 1, 5, 6, 6, 6]);
}

#[test]
fn a_retry_goes_on_where_the_tools_own_transaction_left_off() {
    let resumed = |transaction, text: &str| {
        let mut script = parse(text).unwrap();
        script.transaction = transaction;
        let all = 0..script.statements.len();
        all.map(|failed| script.resume_at(failed))
            .collect::<Vec<_>>()
    };
    let plain = "SELECT 1; SELECT 2; SELECT 3";
    let own = "SELECT 1; BEGIN; SELECT 2; COMMIT; SELECT 3; SELECT 4; BEGIN; SELECT 5; END";
    for transaction in [Transaction::WholeFile, Transaction::AllPending] {
        assert_eq!(resumed(transaction, plain), [0, 0, 0]);
        assert_eq!(resumed(transaction, own), [0, 0, 0, 0, 4, 5, 6, 6, 6]);
    }
    assert_eq!(resumed(Transaction::OneQuery, plain), [0, 0, 0]);
    assert_eq!(
        resumed(Transaction::OneQuery, own),
        [0, 0, 0, 0, 4, 4, 4, 4, 4]
    );
}

#[test]
fn joined_scripts_keep_their_files_and_lines_and_send_everything_once() {
    let script = |name: &str, text: &str| {
        let mut script = Script::parse(text, Path::new(name), name).unwrap();
        script.transaction = Transaction::AllPending;
        script.around = Around {
            before: vec!["CREATE TABLE history ()".to_owned()],
            inside: vec![format!("INSERT {name}")],
            after: vec!["unlock".to_owned()],
        };
        script
    };
    let all = [
        ("1.sql", "SELECT 1;"),
        ("2.sql", "\nSELECT 2;"),
        ("3.sql", "SELECT 3;"),
    ];
    let scripts = all.map(|(name, text)| script(name, text));
    let joined = scripts.into_iter().reduce(Script::join).unwrap();
    assert_eq!(joined.name, "1.sql … 3.sql");
    assert_eq!(joined.transaction, Transaction::AllPending);
    let places: Vec<_> = joined
        .statements
        .iter()
        .map(|s| (s.index, s.file.as_deref().unwrap(), s.line))
        .collect();
    assert_eq!(places, [(0, "1.sql", 1), (1, "2.sql", 2), (2, "3.sql", 1)]);
    assert_eq!(joined.around.before.len(), 1);
    assert_eq!(
        joined.around.inside,
        ["INSERT 1.sql", "INSERT 2.sql", "INSERT 3.sql"]
    );
    assert_eq!(joined.around.after, ["unlock"]);
}

#[test]
fn a_script_without_a_statement_is_empty() {
    for text in ["", "-- nothing\n", ";;\n/* x */;"] {
        assert!(matches!(parse(text), Err(ScriptError::Empty)), "{text:?}");
    }
}

#[test]
fn a_syntax_error_has_its_line() {
    for (text, wanted) in [
        ("SELECT 1;\n\nALTER TABEL t ADD COLUMN x int;\n", 3),
        ("SELECT 1;\nCREATE TABEL x ();", 2),
        ("SELECT 1;\nSELECT 'open;\n", 2),
        ("SELECT 1;\n\\i other.sql\n", 2),
        ("COPY t FROM stdin;\n1\t2\n\\.\n", 1),
    ] {
        match parse(text) {
            Err(ScriptError::Syntax { line, .. }) => assert_eq!(line, wanted, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_missing_script_is_said_to_be_unreadable() {
    let missing = Script::read(Path::new("/nonexistent/up.sql"), "up.sql");
    assert!(matches!(missing, Err(ScriptError::Unreadable(_))));
}
