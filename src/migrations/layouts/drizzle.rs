//! Drizzle: `meta/_journal.json` names the files in their order; all that are pending run in one transaction.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    Fit, Layout, NOT_FOR_POSTGRES, Rules, checked, hex, literal, named_here, only_comments,
};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Drizzle,
    name: "drizzle",
    fits,
    read,
};

/// Postgres, now and in older journals.
const DIALECTS: [&str; 2] = ["postgresql", "pg"];

const MARK: &str = "--> statement-breakpoint";

const JOURNAL: &str = "meta/_journal.json";

#[derive(Deserialize)]
struct Journal {
    dialect: Option<String>,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    /// When it was generated, in milliseconds: Drizzle runs what is later than the last that it ran.
    when: i64,
    tag: String,
}

fn fits(listing: &Listing) -> Option<Fit> {
    listing.has(JOURNAL).then_some(Fit::Marker)
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let path = listing.dir.join(JOURNAL);
    let journal: Journal = serde_json::from_str(&listing.text(JOURNAL)?)
        .map_err(|error| Problem::file(&path, format!("not a journal of Drizzle: {error}")))?;
    if let Some(dialect) = journal
        .dialect
        .filter(|name| !DIALECTS.contains(&name.as_str()))
    {
        let message = format!("dialect = {dialect}: {NOT_FOR_POSTGRES}");
        return Err(Problem::file(&path, message).into());
    }
    // Drizzle runs what the journal names. A file without an entry that comes last is a migration that lacks its entry;
    // one before the last was meant not to run.
    let last = journal.entries.iter().map(|entry| &entry.tag).max();
    let is_known = |file: &str| {
        let tag = file.strip_suffix(".sql").unwrap_or(file);
        last.is_some_and(|last| tag <= last.as_str()).then_some(())
    };
    named_here(
        listing,
        Layout::Drizzle,
        "it is not in meta/_journal.json",
        is_known,
    )?;
    let (mut migrations, mut problems) = (Vec::<Migration>::new(), Vec::new());
    let mut latest: Option<&Entry> = None;
    for (at, entry) in journal.entries.iter().enumerate() {
        let file = format!("{}.sql", entry.tag);
        if !listing.has(&file) {
            let message = format!("entry {} has no file {file}", entry.tag);
            problems.push(Problem::file(&path, message));
            continue;
        }
        // Where none has run yet, Drizzle runs all, whatever their times are.
        let is_newest = at + 1 == journal.entries.len();
        if let Some(before) = latest.filter(|before| is_newest && before.when >= entry.when) {
            let message = format!(
                "{} is not later than {} before it, so Drizzle would pass it over",
                entry.tag, before.tag
            );
            let hint = format!("when = {} has to be more than {}", entry.when, before.when);
            problems.push(Problem::file(&path, message).hint(hint));
        }
        latest = latest
            .filter(|before| before.when >= entry.when)
            .or(Some(entry));
        migrations.push(migration(listing, &file, entry)?);
    }
    checked(migrations, problems)
}

fn migration(listing: &Listing, file: &str, entry: &Entry) -> Result<Migration, Problem> {
    let text = listing.text(file)?;
    let hash = hex(&Sha256::digest(&text));
    let around = Around {
        before: vec![
            "CREATE SCHEMA IF NOT EXISTS drizzle".to_owned(),
            "CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id serial PRIMARY KEY, \
             hash text NOT NULL, created_at bigint)"
                .to_owned(),
        ],
        inside: vec![format!(
            "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ({}, {})",
            literal(&hash),
            entry.when
        )],
        after: Vec::new(),
    };
    let text = with_semicolons(&text);
    let part = Part::new(listing, file, text, Transaction::AllPending).with(around);
    let number = entry.tag.split('_').next().unwrap_or(&entry.tag);
    Ok(Migration::new(number.to_owned(), part, None))
}

/// Drizzle sends what stands between two marks by itself, so that a statement before one needs no semicolon.
fn with_semicolons(text: &str) -> String {
    let mut whole = String::new();
    for (at, statements) in text.split(MARK).enumerate() {
        if at > 0 {
            whole.push_str(MARK);
        }
        let statement = statements.trim_end();
        whole.push_str(statement);
        // Not behind a comment, in which it would be lost.
        let last = statement.lines().last().unwrap_or_default();
        if !statement.ends_with(';') && !last.contains("--") && !only_comments(statement) {
            whole.push(';');
        }
        whole.push_str(&statements[statement.len()..]);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, read, refuse, sends};
    use super::*;
    use crate::migrations::script::Script;

    const JOURNAL_OF_TWO: &str = r#"{"version": "7", "dialect": "postgresql", "entries": [
        {"idx": 0, "when": 100, "tag": "0000_b", "breakpoints": true},
        {"idx": 1, "when": 200, "tag": "0001_a", "breakpoints": true}]}"#;

    #[test]
    fn the_journal_orders_and_one_transaction_holds_all() {
        let directory = check(
            Layout::Drizzle,
            &[
                (JOURNAL, JOURNAL_OF_TWO),
                (
                    "0000_b.sql",
                    "-- a\n--> statement-breakpoint\nSELECT 1;--> statement-breakpoint\nSELECT 2\n\n--> statement-breakpoint\nSELECT 3",
                ),
                ("0001_a.sql", "SELECT 4;"),
                ("meta/0000_snapshot.json", "{}"),
            ],
            &[
                "0000 up 0000_b.sql [AllPending] 3: SELECT 1 | 4: SELECT 2 | 7: SELECT 3",
                "0001 up 0001_a.sql [AllPending] 1: SELECT 4",
            ],
        );
        sends(
            &directory.migrations[0].up.around,
            &[
                "CREATE SCHEMA IF NOT EXISTS drizzle",
                "drizzle.__drizzle_migrations",
            ],
            &[", 100)"],
            &[],
        );
        let scripts = directory
            .migrations
            .iter()
            .map(|one| one.up.script().unwrap());
        let all = scripts.reduce(Script::join).unwrap();
        assert_eq!((all.statements.len(), all.around.inside.len()), (4, 2));
        assert_eq!(all.statements[3].file.as_deref(), Some("0001_a.sql"));
    }

    #[test]
    fn files_and_journal_must_agree() {
        refuse(
            Layout::Drizzle,
            &[(JOURNAL, JOURNAL_OF_TWO), ("0000_b.sql", "")],
            &["m/meta/_journal.json: entry 0001_a has no file 0001_a.sql"],
        );
        refuse(
            Layout::Drizzle,
            &[
                (JOURNAL, JOURNAL_OF_TWO),
                ("0000_b.sql", ""),
                ("0001_a.sql", ""),
                ("0002_c.sql", ""),
                ("0000_a_query_for_the_console.sql", ""),
            ],
            &[
                "m/0002_c.sql: not a migration as drizzle names them: it is not in meta/_journal.json; \
                 move it elsewhere, or name another tool with --layout",
            ],
        );
        let late = JOURNAL_OF_TWO.replace("200", "99");
        refuse(
            Layout::Drizzle,
            &[(JOURNAL, &late), ("0000_b.sql", ""), ("0001_a.sql", "")],
            &[
                "m/meta/_journal.json: 0001_a is not later than 0000_b before it, so Drizzle would pass it over; \
                 when = 99 has to be more than 100",
            ],
        );
        let between = JOURNAL_OF_TWO
            .replace("\"when\": 200", "\"when\": 99")
            .replace(
                "}]",
                r#"}, {"idx": 2, "when": 300, "tag": "0002_c", "breakpoints": true}]"#,
            );
        let files = ["0000_b.sql", "0001_a.sql", "0002_c.sql"].map(|file| (file, "SELECT 1;"));
        let with_journal = [&[(JOURNAL, between.as_str())], &files[..]].concat();
        assert_eq!(read(&with_journal, None).unwrap().migrations.len(), 3);
        let older = JOURNAL_OF_TWO.replace("postgresql", "pg");
        let with_journal = [&[(JOURNAL, older.as_str())], &files[..2]].concat();
        assert!(read(&with_journal, None).is_ok());
        let other = JOURNAL_OF_TWO.replace("postgresql", "mysql");
        refuse(
            Layout::Drizzle,
            &[(JOURNAL, &other)],
            &["m/meta/_journal.json: dialect = mysql: these migrations are not for Postgres"],
        );
    }
}
