//! sqlx: `<n>_<name>.sql`, or `.up.sql` and `.down.sql`, each in a transaction with its row of `_sqlx_migrations`.

use std::cmp::Reverse;

use sha2::{Digest as _, Sha384};

use super::{
    Fit, Found, KEY_OF_DATABASE, Layout, Rules, hex, literal, lock, named_here, numbered, paired,
    unlock,
};
use crate::input::Problems;
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Sqlx,
    name: "sqlx",
    fits,
    read,
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version bigint PRIMARY KEY, \
    description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, \
    checksum bytea NOT NULL, execution_time bigint NOT NULL)";

/// The first bytes of a script that asks for no transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

fn fits(listing: &Listing) -> Option<Fit> {
    listing.sql().find(|name| parse(name).is_some())?;
    if listing.any_line(|line| line.starts_with(NO_TRANSACTION)) {
        return Some(Fit::Marker);
    }
    let prepared = [".sqlx", "sqlx-data.json"].map(|name| listing.nearest(name).map(|(up, _)| up));
    let nearest = prepared.into_iter().chain([listing.nearest_crate("sqlx")]);
    match nearest.flatten().min() {
        Some(up) => Some(Fit::Repository(Reverse(up))),
        None => Some(Fit::Shape),
    }
}

/// Version, description, and whether it leads back.
fn parse(file: &str) -> Option<(i64, &str, bool)> {
    let (number, rest) = numbered(file)?;
    let rest = rest.strip_suffix(".sql")?;
    let (description, is_down) = match rest.strip_suffix(".down") {
        Some(description) => (description, true),
        None => (rest.strip_suffix(".up").unwrap_or(rest), false),
    };
    Some((number.parse().ok()?, description, is_down))
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let expected = "<number>_<name>.sql, .up.sql or .down.sql";
    let files = named_here(listing, Layout::Sqlx, expected, |file| {
        let (version, description, is_down) = parse(file)?;
        Some((file.to_owned(), version, description.to_owned(), is_down))
    })?;
    let mut found = Vec::new();
    for (file, version, description, is_down) in files {
        let text = listing.text(&file)?;
        let around = around(version, &description, &text, is_down);
        // Without a transaction sqlx sends the file as one query.
        let transaction = if text.starts_with(NO_TRANSACTION) {
            Transaction::OneQuery
        } else {
            Transaction::WholeFile
        };
        found.push(Found {
            key: version,
            version: version.to_string(),
            is_down,
            part: Part::new(listing, &file, text, transaction).with(around),
        });
    }
    paired(found)
}

fn around(version: i64, description: &str, text: &str, is_down: bool) -> Around {
    let before = vec![lock(KEY_OF_DATABASE), TABLE.to_owned()];
    let unlock = unlock(KEY_OF_DATABASE);
    if is_down {
        return Around {
            before,
            inside: vec![format!(
                "DELETE FROM _sqlx_migrations WHERE version = {version}"
            )],
            after: vec![unlock],
        };
    }
    let description = literal(&description.replace('_', " "));
    let checksum = hex(&Sha384::digest(text));
    Around {
        before,
        inside: vec![format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES ({version}, {description}, true, '\\x{checksum}', -1)"
        )],
        after: vec![
            format!("UPDATE _sqlx_migrations SET execution_time = 0 WHERE version = {version}"),
            unlock,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    #[test]
    fn files_run_by_number_with_their_row_in_their_transaction() {
        let directory = check(
            Layout::Sqlx,
            &[
                ("10_later.up.sql", "SELECT 10;\n\nSELECT 11;"),
                ("10_later.down.sql", "SELECT -10;"),
                (
                    "0002_an_index.sql",
                    "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a);",
                ),
                ("README.md", "how to"),
            ],
            &[
                "2 up 0002_an_index.sql [OneQuery] 2: CREATE INDEX CONCURRENTLY i ON t (a)",
                "10 up 10_later.up.sql [WholeFile] 1: SELECT 10 | 3: SELECT 11",
                "10 down 10_later.down.sql [WholeFile] 1: SELECT -10",
            ],
        );
        sends(
            &directory.migrations[0].up.around,
            &[
                "pg_advisory_lock(",
                "CREATE TABLE IF NOT EXISTS _sqlx_migrations",
            ],
            &["VALUES (2, 'an index', true, '\\x"],
            &[
                "SET execution_time = 0 WHERE version = 2",
                "pg_advisory_unlock(",
            ],
        );
        sends(
            &directory.migrations[1].down.as_ref().unwrap().around,
            &["pg_advisory_lock(", "CREATE TABLE"],
            &["DELETE FROM _sqlx_migrations WHERE version = 10"],
            &["pg_advisory_unlock("],
        );
    }

    #[test]
    fn what_sqlx_would_pass_over_is_named() {
        refuse(
            Layout::Sqlx,
            &[("1_a.sql", ""), ("fix.sql", ""), ("old/2_b.sql", "")],
            &["m/old: SQL in a directory that sqlx does not look into; \
                 name the directory itself, or move it elsewhere"],
        );
        refuse(
            Layout::Sqlx,
            &[("1_a.sql", ""), ("fix.sql", "")],
            &[
                "m/fix.sql: not a migration as sqlx names them: <number>_<name>.sql, .up.sql or .down.sql; \
                 move it elsewhere, or name another tool with --layout",
            ],
        );
        refuse(
            Layout::Sqlx,
            &[("1_a.sql", ""), ("01_b.sql", ""), ("3_c.down.sql", "")],
            &[
                "m/1_a.sql: version 1 is that of 01_b.sql too",
                "m/3_c.down.sql: version 3 has a way back and no way there",
            ],
        );
    }
}
