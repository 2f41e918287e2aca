//! Atlas: `<v>_<name>.sql`, checked against `atlas.sum`, each in a transaction unless `-- atlas:txmode none`.

use std::cmp::Reverse;

use sha2::{Digest as _, Sha256};

use super::{
    Fit, Found, Layout, Rules, checked, literal, lock_by_asking, named_here, paired, unlock,
};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Atlas,
    name: "atlas",
    fits,
    read,
};

const SUM: &str = "atlas.sum";

const KEY: &str = "hashtext('atlas_migrate_execute')";

const SCHEMA: &str = "CREATE SCHEMA IF NOT EXISTS atlas_schema_revisions";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS atlas_schema_revisions.atlas_schema_revisions (\
    version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2, \
    applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, \
    execution_time bigint NOT NULL, error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, \
    operator_version varchar NOT NULL)";

fn fits(listing: &Listing) -> Option<Fit> {
    listing.sql().next()?;
    if listing.has(SUM) || listing.any_line(|line| line.starts_with("-- atlas:")) {
        return Some(Fit::Marker);
    }
    let (up, _) = listing.nearest("atlas.hcl")?;
    Some(Fit::Repository(Reverse(up)))
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let files = named_here(listing, Layout::Atlas, "<version>_<name>.sql", |file| {
        Some((file.to_owned(), file.strip_suffix(".sql")?.to_owned()))
    })?;
    let mut texts = Vec::new();
    for (file, _) in &files {
        texts.push((file.as_str(), listing.text(file)?));
    }
    check_sum(listing, &texts)?;
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for ((file, stem), (_, text)) in files.iter().zip(&texts) {
        let (version, name) = stem.split_once('_').unwrap_or((stem, ""));
        let in_file = |message: String| Problem::file(listing.dir.join(file), message);
        let directives = directives(text);
        let says = |wanted: &str| {
            let mut all = directives.iter();
            all.find(|(name, _)| *name == wanted)
                .map(|(_, value)| *value)
        };
        // It stands for all before it, and a database that has those never runs it.
        if says("checkpoint").is_some() {
            continue;
        }
        if says("delimiter").is_some() {
            let message = "`-- atlas:delimiter` is not followed".to_owned();
            problems.push(in_file(message).hint("end the statements with semicolons"));
        }
        let transaction = match says("txmode") {
            None | Some("file") => Transaction::WholeFile,
            Some("none") => Transaction::PerStatement,
            Some(other) => {
                let message = format!("`-- atlas:txmode {other}`: a file has `none` or `file`");
                problems.push(in_file(message));
                continue;
            }
        };
        found.push(Found {
            key: version.to_owned(),
            version: version.to_owned(),
            is_down: false,
            part: Part::new(listing, file, text.clone(), transaction).with(around(version, name)),
        });
    }
    checked((), problems)?;
    paired(found)
}

/// The `-- atlas:name value` lines at the head of a file, which a blank line parts from the statements.
fn directives(text: &str) -> Vec<(&str, &str)> {
    let head = text.lines().take_while(|line| line.starts_with("--"));
    let lines = head.clone().count();
    if text
        .lines()
        .nth(lines)
        .is_some_and(|line| !line.trim().is_empty())
    {
        return Vec::new();
    }
    head.filter_map(|line| {
        let directive = line.strip_prefix("-- atlas:")?.trim();
        Some(directive.split_once(' ').unwrap_or((directive, "")))
    })
    .collect()
}

/// Atlas refuses a directory whose files are not those that its sum was made of.
fn check_sum(listing: &Listing, texts: &[(&str, String)]) -> Result<(), Problem> {
    if !listing.has(SUM) {
        return Ok(());
    }
    let written = listing.text(SUM)?;
    let written: Vec<(&str, &str)> = written
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit_once(" h1:"))
        .collect();
    let hint = "run `atlas migrate hash`";
    let mut sha = Sha256::new();
    let mut expected = written.iter();
    for (file, text) in texts {
        sha.update(file);
        let first = text.lines().next().unwrap_or_default();
        if first.ends_with("atlas:sum ignore") {
            continue;
        }
        sha.update(text);
        let path = listing.dir.join(file);
        match expected.next() {
            Some((name, hash)) if name == file => {
                if *hash != base64(&sha.clone().finalize()) {
                    let message = "changed since atlas.sum was made";
                    return Err(Problem::file(path, message).hint(hint));
                }
            }
            _ => return Err(Problem::file(path, "not in atlas.sum at its place").hint(hint)),
        }
    }
    match expected.next() {
        Some((name, _)) => {
            let message = format!("{name} is not in the directory");
            Err(Problem::file(listing.dir.join(SUM), message).hint(hint))
        }
        None => Ok(()),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let value = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = value(0) << 16 | value(1) << 8 | value(2);
        for digit in 0..4 {
            text.push(if digit > three.len() {
                '='
            } else {
                char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63])
            });
        }
    }
    text
}

fn around(version: &str, name: &str) -> Around {
    let row = format!(
        "INSERT INTO atlas_schema_revisions.atlas_schema_revisions \
         (version, description, executed_at, execution_time, hash, operator_version) \
         VALUES ({}, {}, now(), 0, '', 'pgrehearse')",
        literal(version),
        literal(name)
    );
    Around {
        before: vec![lock_by_asking(KEY), SCHEMA.to_owned(), TABLE.to_owned()],
        inside: vec![row],
        after: vec![unlock(KEY)],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    /// As `atlas migrate hash` writes it for these two files.
    fn sum(files: &[(&str, &str)]) -> String {
        let (mut sha, mut lines) = (Sha256::new(), String::new());
        for (name, text) in files {
            sha.update(name);
            sha.update(text);
            lines += &format!("{name} h1:{}\n", base64(&sha.clone().finalize()));
        }
        format!("h1:unread\n{lines}")
    }

    #[test]
    fn files_run_by_name_and_a_directive_at_the_head_opts_out() {
        let files = [
            (
                "1_a.sql",
                "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON t (a);",
            ),
            ("2_b.sql", "-- atlas:txmode none\nSELECT 2;"),
            ("3_c.sql", "-- atlas:checkpoint\n\nSELECT 3;"),
        ];
        let sum = sum(&files);
        let directory = check(
            Layout::Atlas,
            &[&files[..], &[(SUM, &sum)]].concat(),
            &[
                "1 up 1_a.sql [PerStatement] 3: CREATE INDEX CONCURRENTLY i ON t (a)",
                "2 up 2_b.sql [WholeFile] 2: SELECT 2",
            ],
        );
        sends(
            &directory.migrations[0].up.around,
            &["pg_try_advisory_lock(", "CREATE SCHEMA", "CREATE TABLE"],
            &["VALUES ('1', 'a', "],
            &["unlock"],
        );
    }

    #[test]
    fn a_sum_is_that_of_the_files() {
        // The digests of "" and "a", as any tool shows them.
        assert_eq!(
            base64(&Sha256::digest("")),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        let sum = sum(&[("1_a.sql", "SELECT 1;"), ("2_b.sql", "SELECT 2;")]);
        let hint = "; run `atlas migrate hash`";
        for (files, expected) in [
            (
                &[("1_a.sql", "SELECT 1;"), ("2_b.sql", "SELECT 3;")][..],
                "m/2_b.sql: changed since atlas.sum was made",
            ),
            (
                &[("1_a.sql", "SELECT 1;")],
                "m/atlas.sum: 2_b.sql is not in the directory",
            ),
            (
                &[("1_a.sql", "SELECT 1;"), ("1_b.sql", "SELECT 3;")],
                "m/1_b.sql: not in atlas.sum at its place",
            ),
        ] {
            let files = [files, &[(SUM, &sum)]].concat();
            refuse(Layout::Atlas, &files, &[&format!("{expected}{hint}")]);
        }
    }

    #[test]
    fn what_is_not_followed_is_refused() {
        refuse(
            Layout::Atlas,
            &[
                ("1_a.sql", "-- atlas:delimiter GO\n\nSELECT 1 GO"),
                ("2_b.sql", "-- atlas:txmode all\n\n"),
            ],
            &[
                "m/1_a.sql: `-- atlas:delimiter` is not followed; end the statements with semicolons",
                "m/2_b.sql: `-- atlas:txmode all`: a file has `none` or `file`",
            ],
        );
        refuse(
            Layout::Atlas,
            &[("1_a.sql", "SELECT 1;"), ("1_b.sql", "SELECT 1;")],
            &["m/1_b.sql: version 1 is that of 1_a.sql too"],
        );
    }
}
