//! Directories of Flyway: order, transactions, placeholders.

use super::super::tests::{check, refuse, sends};
use super::*;

#[test]
fn versions_are_compared_by_number_and_repeatable_scripts_come_last() {
    let directory = check(
        Layout::Flyway,
        &[
            ("V1_10__b.sql", "SELECT 110;"),
            ("V1.9__a.sql", "SELECT 19;"),
            ("U1.9__a.sql", "SELECT -19;"),
            ("sub/V2__c.sql", "SELECT 2;"),
            ("R__b_view.sql", "SELECT 'b';"),
            ("R__a_view.sql", "SELECT 'a';"),
            ("B1__all.sql", "SELECT 'before';"),
        ],
        &[
            "1.9 up V1.9__a.sql [WholeFile] 1: SELECT 19",
            "1.9 down U1.9__a.sql [WholeFile] 1: SELECT -19",
            "1.10 up V1_10__b.sql [WholeFile] 1: SELECT 110",
            "2 up sub/V2__c.sql [WholeFile] 1: SELECT 2",
            "a view up R__a_view.sql [WholeFile] 1: SELECT 'a'",
            "b view up R__b_view.sql [WholeFile] 1: SELECT 'b'",
        ],
    );
    let repeatable: Vec<_> = directory
        .migrations
        .iter()
        .map(|one| one.is_repeatable)
        .collect();
    assert_eq!(repeatable, [false, false, false, true, true]);
    sends(
        &directory.migrations[0].up.around,
        &[
            "pg_try_advisory_lock(77431708279161)",
            "CREATE TABLE",
            "CREATE INDEX",
        ],
        &[],
        &["'1.9', 'a', 'SQL', 'V1.9__a.sql'", "unlock"],
    );
}

#[test]
fn a_script_leaves_the_transaction_by_what_it_does_or_by_its_conf() {
    check(
        Layout::Flyway,
        &[
            (
                "V1__a.sql",
                "CREATE INDEX CONCURRENTLY i ON t (a);\nDROP INDEX CONCURRENTLY j;",
            ),
            ("V2__b.sql", "SELECT 1;\nSELECT 2;"),
            ("V2__b.sql.conf", "# why\nexecuteInTransaction=false\n"),
            ("V3__c.sql", "SELECT 3;"),
        ],
        &[
            "1 up V1__a.sql [PerStatement] 1: CREATE INDEX CONCURRENTLY i ON t (a) | 2: DROP INDEX CONCURRENTLY j",
            "2 up V2__b.sql [PerStatement] 1: SELECT 1 | 2: SELECT 2",
            "3 up V3__c.sql [WholeFile] 1: SELECT 3",
        ],
    );
    check(
        Layout::Flyway,
        &[
            ("../flyway.toml", "[flyway]\ngroup = true\nmixed = true\n"),
            ("V1__a.sql", "SELECT 1;\nVACUUM t;"),
            ("V2__b.sql", "SELECT 2;"),
        ],
        &[
            "1 up V1__a.sql [PerStatement] 1: SELECT 1 | 2: VACUUM t",
            "2 up V2__b.sql [AllPending] 1: SELECT 2",
        ],
    );
}

#[test]
fn placeholders_are_filled_in() {
    let script = "SELECT '${Owner}',\n  '${flyway:filename}';";
    let expected = "1 up V1__a.sql [WholeFile] 1: SELECT 'me',\n  'V1__a.sql'";
    for config in [
        ("../flyway.conf", "flyway.placeholders.owner = me\n"),
        ("../flyway.toml", "[flyway.placeholders]\nowner = 'me'\n"),
    ] {
        check(
            Layout::Flyway,
            &[config, ("V1__a.sql", script)],
            &[expected],
        );
    }
    check(
        Layout::Flyway,
        &[
            ("V1__a.sql", "SELECT '${x}';"),
            ("V1__a.sql.conf", "placeholderReplacement=false"),
        ],
        &["1 up V1__a.sql [WholeFile] 1: SELECT '${x}'"],
    );
}

#[test]
fn what_flyway_would_refuse_is_refused() {
    refuse(
        Layout::Flyway,
        &[("V1__a.sql", "SELECT 1;\nSELECT ${x}, ${y};")],
        &["x", "y"].map(|name| {
            format!(
                "m/V1__a.sql:2: ${{{name}}} has no value; set flyway.placeholders.{name} in flyway.conf, \
                 or {name} below [flyway.placeholders] in flyway.toml"
            )
        }).each_ref().map(String::as_str),
    );
    refuse(
        Layout::Flyway,
        &[("V1__a.sql", "SELECT 1;\nVACUUM t;")],
        &[
            "m/V1__a.sql:2: Flyway refuses a script in which some statements run in a transaction and others, \
             as this one, cannot; put it into a script of its own, or set flyway.mixed",
        ],
    );
    refuse(
        Layout::Flyway,
        &[
            ("V1.0__a.sql", "SELECT 1;"),
            ("V1__b.sql", "SELECT 1;"),
            ("U2__c.sql", "SELECT 1;"),
        ],
        &[
            "m/V1__b.sql: version 1 is that of V1.0__a.sql too",
            "m/U2__c.sql: version 2 has a way back and no way there",
        ],
    );
    refuse(
        Layout::Flyway,
        &[("V1__a.sql", ""), ("beforeMigrate.sql", "")],
        &[
            "m/beforeMigrate.sql: not a migration as flyway names them: V<version>__<name>.sql, \
             U<version>__<name>.sql or R__<name>.sql; move it elsewhere, or name another tool with --layout",
        ],
    );
    refuse(
        Layout::Flyway,
        &[("V1__a.sql", ""), ("V1__a.sql.conf", "shouldExecute=false")],
        &["m/V1__a.sql.conf:1: shouldexecute = false is not followed here"],
    );
}
