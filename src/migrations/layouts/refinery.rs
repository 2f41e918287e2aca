//! refinery: `V<n>__<name>.sql` and `U<n>__<name>.sql`, each in a transaction with its row of the history.

use std::cmp::Reverse;

use super::{Fit, Found, Layout, Rules, literal, named, paired};
use crate::input::Problems;
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Refinery,
    name: "refinery",
    fits,
    read,
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS refinery_schema_history (version int8 PRIMARY KEY, \
    name varchar(255), applied_on varchar(255), checksum varchar(255))";

/// Flyway's names are the same, so only the repository can tell.
fn fits(listing: &Listing) -> Option<Fit> {
    listing.sql().find(|name| parse(name).is_some())?;
    let config = listing.nearest("refinery.toml").map(|(up, _)| up);
    let named = ["refinery", "refinery-core"].map(|name| listing.nearest_crate(name));
    let nearest = named.into_iter().chain([config]).flatten().min()?;
    Some(Fit::Repository(Reverse(nearest)))
}

/// Version and name. U scripts are unversioned ones that go forward too.
fn parse(file: &str) -> Option<(i64, &str)> {
    let stem = file.rsplit('/').next()?.strip_suffix(".sql")?;
    let (number, name) = stem.strip_prefix(['V', 'U'])?.split_once("__")?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_name = !name.is_empty() && name.chars().all(is_word);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    (is_name && is_number).then_some((number.parse().ok()?, name))
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let files = listing.files_below()?;
    let expected = "V<number>__<name>.sql or U<number>__<name>.sql";
    let files = named(listing, Layout::Refinery, &files, expected, |file| {
        let (version, name) = parse(file)?;
        Some((file.to_owned(), version, name.to_owned()))
    })?;
    let mut found = Vec::new();
    for (file, version, name) in files {
        let text = listing.text(&file)?;
        let row = format!(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
             VALUES ({version}, {}, now()::text, '0')",
            literal(&name)
        );
        found.push(Found {
            key: version,
            version: version.to_string(),
            is_down: false,
            part: Part::new(listing, &file, text, Transaction::WholeFile).with(Around {
                before: vec![TABLE.to_owned()],
                inside: vec![row],
                after: Vec::new(),
            }),
        });
    }
    paired(found)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    #[test]
    fn scripts_of_all_directories_run_by_number() {
        let directory = check(
            Layout::Refinery,
            &[
                ("../Cargo.toml", "[dependencies]\nrefinery = \"0.9\""),
                ("V10__b.sql", "SELECT 10;"),
                ("V2__a.sql", "SELECT 2;"),
                ("more/U3__c.sql", "SELECT 3;"),
                ("mod.rs", ""),
            ],
            &[
                "2 up V2__a.sql [WholeFile] 1: SELECT 2",
                "3 up more/U3__c.sql [WholeFile] 1: SELECT 3",
                "10 up V10__b.sql [WholeFile] 1: SELECT 10",
            ],
        );
        sends(
            &directory.migrations[0].up.around,
            &["CREATE TABLE IF NOT EXISTS refinery_schema_history"],
            &["VALUES (2, 'a', "],
            &[],
        );
    }

    #[test]
    fn a_version_is_one_number() {
        refuse(
            Layout::Refinery,
            &[("V1__a.sql", ""), ("V3.1__c.sql", "")],
            &["m/V3.1__c.sql: not a migration as refinery names them: \
                 V<number>__<name>.sql or U<number>__<name>.sql; \
                 move it elsewhere, or name another tool with --layout"],
        );
    }
}
