//! golang-migrate: `<n>_<title>.up.sql` and `.down.sql`, each one query between two rows that say dirty and clean.

use std::cmp::Reverse;

use super::{
    Fit, Found, KEY_OF_DATABASE, Layout, Rules, lock, named_here, numbered, paired, unlock,
};
use crate::input::Problems;
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::GolangMigrate,
    name: "golang-migrate",
    fits,
    read,
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version bigint NOT NULL PRIMARY KEY, \
    dirty boolean NOT NULL)";

fn fits(listing: &Listing) -> Option<Fit> {
    listing.sql().find(|name| parse(name).is_some())?;
    match listing.nearest("go.mod") {
        Some((up, _)) => Some(Fit::Repository(Reverse(up))),
        None => Some(Fit::Shape),
    }
}

/// Version, and whether it leads back.
fn parse(file: &str) -> Option<(u64, bool)> {
    let (number, rest) = numbered(file)?;
    let is_down = rest.ends_with(".down.sql");
    let version = number.parse().ok()?;
    (is_down || rest.ends_with(".up.sql")).then_some((version, is_down))
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let expected = "<number>_<title>.up.sql or .down.sql";
    let files = named_here(listing, Layout::GolangMigrate, expected, |file| {
        let (version, is_down) = parse(file)?;
        Some((file.to_owned(), version, is_down))
    })?;
    let mut found = Vec::new();
    for (file, version, is_down) in files {
        let text = listing.text(&file)?;
        found.push(Found {
            key: version,
            version: version.to_string(),
            is_down,
            part: Part::new(listing, &file, text, Transaction::OneQuery),
        });
    }
    let mut migrations = paired(found)?;
    let mut previous = None;
    for migration in &mut migrations {
        migration.up.around = around(Some(&migration.version));
        if let Some(down) = &mut migration.down {
            down.around = around(previous.as_deref());
        }
        previous = Some(migration.version.clone());
    }
    Ok(migrations)
}

/// The table holds one row, which names the version that is reached, and none before the first.
fn around(reached: Option<&str>) -> Around {
    let row = |version: &str, dirty: bool| {
        format!(
            "TRUNCATE schema_migrations; \
             INSERT INTO schema_migrations (version, dirty) VALUES ({version}, {dirty})"
        )
    };
    Around {
        before: vec![
            lock(KEY_OF_DATABASE),
            TABLE.to_owned(),
            row(reached.unwrap_or("-1"), true),
        ],
        inside: Vec::new(),
        after: vec![
            reached.map_or("TRUNCATE schema_migrations".to_owned(), |version| {
                row(version, false)
            }),
            unlock(KEY_OF_DATABASE),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    #[test]
    fn a_file_is_one_query_between_dirty_and_clean() {
        let directory = check(
            Layout::GolangMigrate,
            &[
                ("../go.mod", "module m"),
                ("embed.go", "package m"),
                ("000002_b.up.sql", "SELECT 2;\nSELECT 3;"),
                ("000002_b.down.sql", "SELECT -2;"),
                ("000001_a.up.sql", "SELECT 1;"),
                ("000001_a.down.sql", "SELECT -1;"),
            ],
            &[
                "1 up 000001_a.up.sql [OneQuery] 1: SELECT 1",
                "1 down 000001_a.down.sql [OneQuery] 1: SELECT -1",
                "2 up 000002_b.up.sql [OneQuery] 1: SELECT 2 | 2: SELECT 3",
                "2 down 000002_b.down.sql [OneQuery] 1: SELECT -2",
            ],
        );
        let around = |at: usize| &directory.migrations[at].down.as_ref().unwrap().around;
        let before = ["pg_advisory_lock(", "CREATE TABLE"];
        let dirty = |row| [&before[..], &[row]].concat();
        let up = &directory.migrations[1].up.around;
        sends(
            up,
            &dirty("VALUES (2, true)"),
            &[],
            &["VALUES (2, false)", "unlock"],
        );
        sends(
            around(1),
            &dirty("VALUES (1, true)"),
            &[],
            &["VALUES (1, false)", "unlock"],
        );
        sends(
            around(0),
            &dirty("VALUES (-1, true)"),
            &[],
            &["TRUNCATE", "unlock"],
        );
        assert!(!around(0).after[0].contains("INSERT"));
    }

    #[test]
    fn a_file_without_a_direction_is_named() {
        refuse(
            Layout::GolangMigrate,
            &[("1_a.up.sql", ""), ("2_b.sql", "")],
            &["m/2_b.sql: not a migration as golang-migrate names them: \
                 <number>_<title>.up.sql or .down.sql; \
                 move it elsewhere, or name another tool with --layout"],
        );
    }
}
