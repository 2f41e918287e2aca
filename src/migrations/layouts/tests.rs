//! What the tests of all layouts share: directories made for a test, and how they read.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::Layout;
use crate::input::Problems;
use crate::migrations::directory::{Directory, Part};
use crate::migrations::script::Around;

/// A repository whose directory `m` holds these files; those that begin with `../` stand above it.
pub(in crate::migrations) fn repository(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    fs::create_dir_all(root.path().join(".git")).unwrap();
    fs::create_dir_all(root.path().join("m")).unwrap();
    for (name, text) in files {
        let path = match name.strip_prefix("../") {
            Some(above) => root.path().join(above),
            None => root.path().join("m").join(name),
        };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

pub(in crate::migrations) fn read(
    files: &[(&str, &str)],
    layout: Option<Layout>,
) -> Result<Directory, String> {
    let root = repository(files);
    let dir = root.path().join("m");
    let here = format!("{}/", root.path().display());
    let there = format!("{}/", root.path().canonicalize().unwrap().display());
    Directory::read(&dir, layout)
        .map_err(|problems: Problems| problems.to_string().replace(&there, "").replace(&here, ""))
}

/// The directory is recognised, and holds these parts: `version up|down name [rule] line: statement | …`.
pub(in crate::migrations) fn check(
    layout: Layout,
    files: &[(&str, &str)],
    expected: &[&str],
) -> Directory {
    let directory = read(files, None).unwrap();
    assert_eq!(directory.layout, layout);
    let mut found = Vec::new();
    for migration in &directory.migrations {
        let parts = [
            ("up", Some(&migration.up)),
            ("down", migration.down.as_ref()),
        ];
        for (direction, part) in parts {
            let outline = part.map(outline);
            found.extend(outline.map(|part| format!("{} {direction} {part}", migration.version)));
        }
    }
    assert_eq!(found, expected);
    directory
}

fn outline(part: &Part) -> String {
    let script = part.script().unwrap();
    let statements = script.statements.iter();
    let statements: Vec<_> = statements
        .map(|statement| format!("{}: {}", statement.line, statement.sql))
        .collect();
    let rule = script.transaction;
    format!("{} [{rule:?}] {}", part.name, statements.join(" | "))
}

/// The directory is refused with these words, one line for each mistake.
pub(in crate::migrations) fn refuse(layout: Layout, files: &[(&str, &str)], expected: &[&str]) {
    let refused = read(files, Some(layout)).map(|directory| directory.migrations.len());
    assert_eq!(refused, Err(expected.join("\n")));
}

/// What is sent around a part contains these, in this order.
pub(in crate::migrations) fn sends(
    around: &Around,
    before: &[&str],
    inside: &[&str],
    after: &[&str],
) {
    let all = [
        ("before", &around.before, before),
        ("inside", &around.inside, inside),
        ("after", &around.after, after),
    ];
    for (place, sent, expected) in all {
        assert_eq!(sent.len(), expected.len(), "{place}: {sent:?}");
        for (sent, expected) in sent.iter().zip(expected) {
            assert!(sent.contains(expected), "{place}: {sent} has no {expected}");
        }
    }
}

#[test]
fn a_layout_is_named_and_found_by_its_name() {
    let names = Layout::ALL.map(|layout| layout.to_string()).join(", ");
    assert_eq!(
        names,
        "sqlx, diesel, refinery, golang-migrate, goose, dbmate, drizzle, prisma, flyway, liquibase, atlas, \
         sqitch, plain"
    );
    for layout in Layout::ALL {
        assert_eq!(layout.rules().layout, layout);
        assert_eq!(layout.name().parse(), Ok(layout));
    }
    let unknown = "golang_migrate".parse::<Layout>().unwrap_err();
    assert_eq!(
        unknown,
        "no layout of this name; did you mean `golang-migrate`?"
    );
}

#[test]
fn a_missing_directory_is_named() {
    let missing = Directory::read(Path::new("no/such"), None).unwrap_err();
    assert_eq!(missing.to_string(), "no/such: no such file or directory");
}
