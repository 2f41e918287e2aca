//! Diesel: `<version>_<name>/up.sql` and `down.sql`, each in a transaction unless `metadata.toml` says otherwise.

use std::cmp::Reverse;

use super::{Fit, Found, Layout, Rules, checked, literal, named, paired};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Diesel,
    name: "diesel",
    fits,
    read,
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (\
    version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL DEFAULT current_timestamp)";

fn fits(listing: &Listing) -> Option<Fit> {
    let mut dirs = listing.dirs.iter();
    dirs.find(|dir| listing.has(&format!("{dir}/up.sql")))?;
    match listing.nearest("diesel.toml") {
        Some((up, _)) => Some(Fit::Repository(Reverse(up))),
        None => Some(Fit::Names),
    }
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    // Diesel looks into directories only; a file with a number was meant to be one of its migrations.
    let is_helper = |file: &str| (!file.starts_with(|c: char| c.is_ascii_digit())).then_some(());
    let expected = "<version>_<name>/up.sql";
    named(listing, Layout::Diesel, &listing.files, expected, is_helper)?;
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for dir in &listing.dirs {
        match migration(listing, dir) {
            Ok(parts) => found.extend(parts),
            Err(Problems(more)) => problems.extend(more),
        }
    }
    checked((), problems)?;
    paired(found)
}

fn migration(listing: &Listing, dir: &str) -> Result<Vec<Found<String>>, Problems> {
    let inner = listing.within(dir)?;
    let expected = "up.sql, down.sql and metadata.toml";
    named(&inner, Layout::Diesel, &inner.files, expected, |file| {
        ["up.sql", "down.sql", "metadata.toml"]
            .contains(&file)
            .then_some(())
    })?;
    // An empty directory is none to Diesel either.
    if inner.files.is_empty() {
        return Ok(Vec::new());
    }
    let version = dir.split('_').next().unwrap_or_default().replace('-', "");
    // Without a transaction Diesel sends the file as one query.
    let transaction = if runs_in_transaction(&inner)? {
        Transaction::WholeFile
    } else {
        Transaction::OneQuery
    };
    let mut parts = Vec::new();
    for (file, is_down) in [("up.sql", false), ("down.sql", true)] {
        if !inner.has(file) {
            continue;
        }
        let name = format!("{dir}/{file}");
        let text = listing.text(&name)?;
        let value = literal(&version);
        let row = if is_down {
            format!("DELETE FROM __diesel_schema_migrations WHERE version = {value}")
        } else {
            format!("INSERT INTO __diesel_schema_migrations (version) VALUES ({value})")
        };
        parts.push(Found {
            key: version.clone(),
            version: version.clone(),
            is_down,
            part: Part::new(listing, &name, text, transaction).with(Around {
                before: vec![TABLE.to_owned()],
                inside: vec![row],
                after: Vec::new(),
            }),
        });
    }
    Ok(parts)
}

/// As Diesel reads it: a `metadata.toml` that does not say so asks for no transaction.
fn runs_in_transaction(inner: &Listing) -> Result<bool, Problem> {
    if !inner.has("metadata.toml") {
        return Ok(true);
    }
    let text = inner.text("metadata.toml")?;
    let path = inner.dir.join("metadata.toml");
    let table: toml::Table = text
        .parse()
        .map_err(|error| Problem::file(&path, format!("not TOML: {error}")))?;
    match table.get("run_in_transaction") {
        None => Ok(false),
        Some(toml::Value::Boolean(runs)) => Ok(*runs),
        Some(other) => {
            let message = format!("run_in_transaction = {other} is neither true nor false");
            Err(Problem::file(&path, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    #[test]
    fn directories_run_by_version_and_metadata_decides_on_the_transaction() {
        let directory = check(
            Layout::Diesel,
            &[
                (
                    "2024-01-02-000000_index/up.sql",
                    "CREATE INDEX CONCURRENTLY i ON t (a);",
                ),
                (
                    "2024-01-02-000000_index/metadata.toml",
                    "run_in_transaction = false",
                ),
                ("2024-01-01-000000_table/up.sql", "SELECT 1;\nSELECT 2;"),
                ("2024-01-01-000000_table/down.sql", "\nSELECT -1;"),
                ("2024-01-03-000000_silent/up.sql", "SELECT 3;"),
                ("2024-01-03-000000_silent/metadata.toml", "# nothing"),
            ],
            &[
                "20240101000000 up 2024-01-01-000000_table/up.sql [WholeFile] 1: SELECT 1 | 2: SELECT 2",
                "20240101000000 down 2024-01-01-000000_table/down.sql [WholeFile] 2: SELECT -1",
                "20240102000000 up 2024-01-02-000000_index/up.sql [OneQuery] 1: CREATE INDEX CONCURRENTLY i ON t (a)",
                "20240103000000 up 2024-01-03-000000_silent/up.sql [OneQuery] 1: SELECT 3",
            ],
        );
        sends(
            &directory.migrations[0].up.around,
            &["CREATE TABLE IF NOT EXISTS __diesel_schema_migrations"],
            &["INSERT INTO __diesel_schema_migrations (version) VALUES ('20240101000000')"],
            &[],
        );
    }

    #[test]
    fn what_is_no_part_of_a_migration_is_named() {
        refuse(
            Layout::Diesel,
            &[
                ("1_a/up.sql", ""),
                ("1_a/fix.sql", ""),
                ("helper.sql", ""),
                ("2_b/metadata.toml", "run_in_transaction = 1"),
            ],
            &[
                "m/1_a/fix.sql: not a migration as diesel names them: up.sql, down.sql and metadata.toml; \
                 move it elsewhere, or name another tool with --layout",
                "m/2_b/metadata.toml: run_in_transaction = 1 is neither true nor false",
            ],
        );
        refuse(
            Layout::Diesel,
            &[("1_a/up.sql", ""), ("2_b.sql", "")],
            &[
                "m/2_b.sql: not a migration as diesel names them: <version>_<name>/up.sql; \
                 move it elsewhere, or name another tool with --layout",
            ],
        );
        refuse(
            Layout::Diesel,
            &[("1_a/down.sql", "")],
            &["m/1_a/down.sql: version 1 has a way back and no way there"],
        );
    }
}
