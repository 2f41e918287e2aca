//! No tool: SQL files in the order of their names, run as their statements ask for.

use super::{Fit, Found, Layout, Rules, named_here, paired};
use crate::input::Problems;
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::Around;

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Plain,
    name: "plain",
    fits,
    read,
};

fn fits(listing: &Listing) -> Option<Fit> {
    listing.sql().next().map(|_| Fit::Shape)
}

/// What is left of a name without its direction and extension, and whether it leads back.
fn parse(file: &str) -> Option<(&str, bool)> {
    let stem = file.strip_suffix(".sql")?;
    match stem {
        "up" => return Some(("up", false)),
        "down" => return Some(("up", true)),
        _ => {}
    }
    Some(match stem.strip_suffix(".down") {
        Some(stem) => (stem, true),
        None => (stem.strip_suffix(".up").unwrap_or(stem), false),
    })
}

/// Leading numbers by their value, and before names without one.
fn order(stem: &str) -> (bool, u128, &str) {
    let end = stem.bytes().take_while(u8::is_ascii_digit).count();
    let number = stem[..end].parse();
    (number.is_err(), number.unwrap_or(0), stem)
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let files = named_here(listing, Layout::Plain, "<name>.sql", |file| {
        let (stem, is_down) = parse(file)?;
        Some((file.to_owned(), stem.to_owned(), is_down))
    })?;
    let mut found = Vec::new();
    for (file, stem, is_down) in &files {
        found.push(Found {
            key: order(stem),
            version: stem.clone(),
            is_down: *is_down,
            part: Part {
                path: listing.dir.join(file),
                name: file.clone(),
                text: listing.text(file)?,
                transaction: None,
                around: Around::default(),
            },
        });
    }
    paired(found)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse};
    use super::*;

    #[test]
    fn files_run_by_leading_number_then_by_name_as_their_statements_ask() {
        let directory = check(
            Layout::Plain,
            &[
                ("10-b.sql", "VACUUM t;"),
                ("9-a.sql", "SELECT 9;"),
                ("9-a.down.sql", "SELECT -9;"),
                ("views.sql", "BEGIN; SELECT 1; COMMIT;"),
            ],
            &[
                "9-a up 9-a.sql [WholeFile] 1: SELECT 9",
                "9-a down 9-a.down.sql [WholeFile] 1: SELECT -9",
                "10-b up 10-b.sql [PerStatement] 1: VACUUM t",
                "views up views.sql [AsWritten] 1: BEGIN | 1: SELECT 1 | 1: COMMIT",
            ],
        );
        let parts = directory.migrations.iter().map(|migration| &migration.up);
        assert!(parts.clone().all(|part| part.transaction.is_none()));
        assert!(parts.clone().all(|part| part.around == Around::default()));
        check(
            Layout::Plain,
            &[("up.sql", "SELECT 1;"), ("down.sql", "SELECT -1;")],
            &[
                "up up up.sql [WholeFile] 1: SELECT 1",
                "up down down.sql [WholeFile] 1: SELECT -1",
            ],
        );
    }

    #[test]
    fn what_is_no_sql_is_named() {
        refuse(
            Layout::Plain,
            &[("1.sql", ""), ("1.sql.bak", ""), ("2.down.sql", "")],
            &[
                "m/1.sql.bak: not a migration as plain names them: <name>.sql; \
                 move it elsewhere, or name another tool with --layout",
            ],
        );
        refuse(
            Layout::Plain,
            &[("1.sql", ""), ("1.up.sql", ""), ("2.down.sql", "")],
            &[
                "m/1.up.sql: version 1 is that of 1.sql too",
                "m/2.down.sql: version 2 has a way back and no way there",
            ],
        );
    }
}
