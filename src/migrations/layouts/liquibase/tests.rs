//! Directories of formatted SQL: changesets, their attributes, parameters, rollbacks.

use super::super::tests::{check, refuse, sends};
use super::*;

const HEADER: &str = "--liquibase formatted sql\n";

#[test]
fn each_changeset_is_a_migration_at_its_lines() {
    let text = "--liquibase formatted sql
--property name:owner value:me

--changeset ann:1
--comment: the first
SELECT '${owner}';
SELECT 2;
--rollback SELECT -2;
--rollback SELECT -1;

--changeset \"Bob B\":drop-it runInTransaction:false
DROP INDEX CONCURRENTLY i;
-- changeset ann:3 runInTransaction:false splitStatements:false runOnChange:true
SELECT 3;
/* liquibase rollback
SELECT -3;
*/
--changeset ann:4 dbms:mysql
SELECT `4`;
--changeset ann:5 endDelimiter:/ dbms:postgresql,h2
SELECT 5
/
SELECT 6/
";
    let directory = check(
        Layout::Liquibase,
        &[
            ("1.sql", text),
            ("db.changelog-master.yaml", "databaseChangeLog:"),
        ],
        &[
            "ann:1 up 1.sql::ann:1 [WholeFile] 6: SELECT 'me' | 7: SELECT 2",
            "ann:1 down 1.sql::ann:1 [WholeFile] 8: SELECT -2 | 9: SELECT -1",
            "Bob B:drop-it up 1.sql::Bob B:drop-it [PerStatement] 12: DROP INDEX CONCURRENTLY i",
            "ann:3 up 1.sql::ann:3 [OneQuery] 14: SELECT 3",
            "ann:3 down 1.sql::ann:3 [OneQuery] 16: SELECT -3",
            "ann:5 up 1.sql::ann:5 [WholeFile] 21: SELECT 5 | 23: SELECT 6",
        ],
    );
    let repeatable: Vec<_> = directory
        .migrations
        .iter()
        .map(|one| one.is_repeatable)
        .collect();
    assert_eq!(repeatable, [false, false, true, false]);
    sends(
        &directory.migrations[0].up.around,
        &[
            "pg_try_advisory_lock(",
            "CREATE TABLE",
            "INSERT",
            "CREATE TABLE",
            "locked = true",
        ],
        &[],
        &["SELECT '1', 'ann', '1.sql'", "locked = false", "unlock"],
    );
}

#[test]
fn files_run_in_the_order_of_their_paths() {
    let one = |id: &str| format!("{HEADER}--changeset a:{id}\nSELECT {id};\n");
    check(
        Layout::Liquibase,
        &[
            ("b.sql", &one("1")),
            ("a/z.sql", &one("2")),
            ("c.sql", &one("1")),
        ],
        &[
            "a:2 up a/z.sql::a:2 [WholeFile] 3: SELECT 2",
            "a:1 up b.sql::a:1 [WholeFile] 3: SELECT 1",
            "a:1 up c.sql::a:1 [WholeFile] 3: SELECT 1",
        ],
    );
}

#[test]
fn parameters_come_from_the_properties_file_too() {
    let text = format!("{HEADER}--changeset a:1\nSELECT '${{who}}';\n");
    check(
        Layout::Liquibase,
        &[
            ("1.sql", &text),
            ("../liquibase.properties", "parameter.who: me\n"),
        ],
        &["a:1 up 1.sql::a:1 [WholeFile] 3: SELECT 'me'"],
    );
    refuse(
        Layout::Liquibase,
        &[("1.sql", &text)],
        &[
            "m/1.sql:3: ${who} has no value; set it with --property name:who value:…, \
           or as parameter.who in liquibase.properties",
        ],
    );
}

#[test]
fn what_cannot_be_followed_is_named_with_its_line() {
    for (text, expected) in [
        (
            "--changeset a\nSELECT 1;",
            "2: `a` is no changeset: it wants author:id",
        ),
        ("SELECT 1;", "2: it stands before the first changeset"),
        (
            "--changeset a:1\nSELECT 1;\n--changeset a:1\n",
            "4: a second changeset a:1",
        ),
        (
            "--changeset a:1 endDelimiter:\\nGO\nSELECT 1",
            "2: endDelimiter:\\nGO is a pattern, which is not followed",
        ),
        (
            "--changeset a:1\n--rollback changesetId:2 changesetAuthor:a",
            "3: a rollback by another changeset is not followed",
        ),
    ] {
        let text = format!("{HEADER}{text}");
        refuse(
            Layout::Liquibase,
            &[("1.sql", &text)],
            &[&format!("m/1.sql:{expected}")],
        );
    }
    refuse(
        Layout::Liquibase,
        &[("1.sql", "SELECT 1;"), ("2.xml", "<a/>")],
        &[
            "m/1.sql:1: it does not begin with `--liquibase formatted sql`",
            "m/2.xml: a changelog that is not in formatted SQL, which is not read here; \
             let the tool itself run it with --command",
        ],
    );
}
