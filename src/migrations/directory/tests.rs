//! Which layout a directory is recognised as.

use super::super::layouts::tests::read;
use super::*;
use Layout::*;

fn check(files: &[&str], expected: Layout) {
    let files: Vec<_> = files.iter().map(|name| file(name)).collect();
    let found = read(&files, None).map(|directory| directory.layout);
    assert_eq!(found, Ok(expected), "{files:?}");
}

fn refused(files: &[&str], expected: &str) {
    let files: Vec<_> = files.iter().map(|name| file(name)).collect();
    let found = read(&files, None).map(|directory| directory.layout);
    assert_eq!(found, Err(expected.to_owned()), "{files:?}");
}

/// A file with a text that fits its name; what stands after a colon is its first line.
fn file(name: &str) -> (&str, &str) {
    let text = match name {
        "../Cargo.toml" => "[dependencies]\nsqlx = \"0.8\"\nrefinery.workspace = true\n",
        "migration_lock.toml" => "provider = \"postgresql\"\n",
        "meta/_journal.json" => r#"{"entries": [{"when": 1, "tag": "0000_a"}]}"#,
        "sqitch.plan" | "../sqitch.plan" => "%project=p\n\na 2024-01-01T00:00:00Z N <e>\n",
        _ => match name.split_once(": ") {
            Some((name, text)) => return (name, text),
            None => "SELECT 1;\n",
        },
    };
    (name, text)
}

#[test]
fn a_marker_in_the_files_decides() {
    check(&["1_a.sql: -- +goose Up\nSELECT 1;"], Goose);
    check(&["1_a.sql: -- migrate:up\nSELECT 1;"], Dbmate);
    check(&["1_a.sql: -- no-transaction\nSELECT 1;"], Sqlx);
    check(
        &["1_a.sql: --liquibase formatted sql\n--changeset a:1\nSELECT 1;"],
        Liquibase,
    );
    check(&["1_a.sql: -- atlas:txmode none\n\nSELECT 1;"], Atlas);
    check(&["0000_a.sql", "meta/_journal.json"], Drizzle);
    check(&["a/migration.sql", "migration_lock.toml"], Prisma);
    check(&["deploy/a.sql", "sqitch.plan"], Sqitch);
    check(&["deploy/a.sql", "../sqitch.plan"], Sqitch);
}

#[test]
fn names_that_only_one_tool_has_decide() {
    check(&["2024_a/up.sql", "2024_a/down.sql"], Diesel);
    check(&["2024_a/migration.sql"], Prisma);
    check(&["V1__a.sql"], Flyway);
    check(&["R__a.sql"], Flyway);
}

#[test]
fn the_repository_decides_where_names_leave_it_open() {
    check(&["1_a.sql"], Plain);
    check(&["1_a.sql", "../Cargo.toml"], Sqlx);
    check(&["1_a.sql", "../.sqlx/query-1.json"], Sqlx);
    check(&["1_a.sql", "../atlas.hcl"], Atlas);
    check(&["1_a.up.sql", "1_a.down.sql"], Plain);
    check(&["1_a.up.sql", "1_a.down.sql", "../go.mod"], GolangMigrate);
    check(&["1_a.up.sql", "1_a.down.sql", "../Cargo.toml"], Sqlx);
    check(&["V1__a.sql", "../Cargo.toml"], Refinery);
    check(&["V1__a.sql", "../flyway.conf"], Flyway);
    // The nearer says more.
    check(
        &["db/1_a.up.sql", "../go.mod", "Cargo.toml: sqlx = 1"],
        Sqlx,
    );
}

#[test]
fn what_two_tools_fit_equally_has_to_be_said() {
    refused(
        &["1_a.up.sql", "../go.mod", "../Cargo.toml"],
        "m: it could be a directory of sqlx or of golang-migrate; \
         say which with --layout sqlx or --layout golang-migrate",
    );
    refused(
        &["V1__a.sql", "../flyway.toml: a = 1", "../Cargo.toml"],
        "m: it could be a directory of refinery or of flyway; \
         say which with --layout refinery or --layout flyway",
    );
    let files = [
        ("1_a.up.sql", "SELECT 1"),
        ("../go.mod", ""),
        ("../Cargo.toml", "sqlx = 1"),
    ];
    let told = read(&files, Some(Sqlx)).map(|directory| directory.layout);
    assert_eq!(told, Ok(Sqlx));
}

#[test]
fn the_only_directory_in_it_that_fits_is_entered() {
    check(&["schema.prisma", "migrations/a/migration.sql"], Prisma);
    check(&["postgres/1_a.sql", "docs/a.txt"], Plain);
    refused(
        &["postgres/1_a.sql", "mysql/1_a.sql"],
        "m: several directories in it hold migrations: m/mysql (plain), m/postgres (plain); name one of them",
    );
    let directory = read(&[("postgres/1_a.sql", "SELECT 1")], None).unwrap();
    assert!(directory.dir.ends_with("m/postgres"));
    assert_eq!(directory.migrations[0].name, "1_a.sql");
}

#[test]
fn migrations_in_code_are_told_apart_from_helpers_and_the_newest_is_refused_when_it_is_rehearsed() {
    for (files, in_code, newest) in [
        (
            vec![
                "001_a.sql",
                "002_b.go",
                "003_c.sql",
                "embed.go",
                "002_b_test.go",
            ],
            vec!["002_b.go"],
            false,
        ),
        (vec!["001_a.up.sql", "002_b.go"], vec!["002_b.go"], true),
        (vec!["V2__a.sql", "V10__B.java"], vec!["V10__B.java"], true),
        (
            vec!["V10__a.sql", "V2__B.java", "R__c.sql"],
            vec!["V2__B.java"],
            false,
        ),
        (
            vec!["1_a/migration.sql", "2_b/migration.ts", "3_c/migration.sql"],
            vec!["2_b/migration.ts"],
            false,
        ),
        (vec!["2024-01-01-0_a/up.sql", "mod.rs"], vec![], false),
    ] {
        let texts: Vec<_> = files.iter().map(|name| (*name, "SELECT 1;")).collect();
        let directory = read(&texts, None).unwrap();
        let found = directory
            .in_code
            .iter()
            .map(|path| path.strip_prefix(&directory.dir).unwrap());
        assert_eq!(
            found.collect::<Vec<_>>(),
            in_code.iter().map(Path::new).collect::<Vec<_>>()
        );
        let refusal = directory.refuse_code(|file| directory.is_newest(file));
        assert_eq!(refusal.is_err(), newest, "{files:?}");
    }
}

#[test]
fn what_holds_no_migration_is_refused() {
    refused(
        &["README.md"],
        "m: there is no migration in it; name the directory that holds the SQL files",
    );
    refused(
        &["0001_initial.py"],
        "m/0001_initial.py: a migration in code, which does not run here; let the tool itself run it with --command",
    );
    let empty = read(&[("README.md", "")], Some(Sqlx)).map(|directory| directory.layout);
    assert_eq!(
        empty,
        Err("m: there is no migration of sqlx in it".to_owned())
    );
}
