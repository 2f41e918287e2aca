//! Prisma: `<ts>_<name>/migration.sql`, each one query between two writes to `_prisma_migrations`.

use std::cmp::Reverse;

use sha2::{Digest as _, Sha256};

use super::{Fit, Layout, NOT_FOR_POSTGRES, Rules, checked, hex, literal, lock, named, unlock};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Prisma,
    name: "prisma",
    fits,
    read,
};

const LOCK_FILE: &str = "migration_lock.toml";

/// Prisma's own key.
const KEY: &str = "72707369";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL, \
    checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, \
    rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), \
    applied_steps_count integer NOT NULL DEFAULT 0)";

fn fits(listing: &Listing) -> Option<Fit> {
    let is_migration = |dir: &&String| listing.has(&format!("{dir}/migration.sql"));
    listing.dirs.iter().find(is_migration)?;
    if listing.has(LOCK_FILE) {
        return Some(Fit::Marker);
    }
    match listing.nearest("schema.prisma") {
        Some((up, _)) => Some(Fit::Repository(Reverse(up))),
        None => Some(Fit::Names),
    }
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    check_provider(listing)?;
    let expected = "<timestamp>_<name>/migration.sql";
    named(listing, Layout::Prisma, &listing.files, expected, |_| {
        None::<()>
    })?;
    let (mut migrations, mut problems) = (Vec::new(), Vec::new());
    for dir in &listing.dirs {
        let inner = listing.within(dir)?;
        let is_known = |file: &str| ["migration.sql", "down.sql"].contains(&file).then_some(());
        let known = named(
            &inner,
            Layout::Prisma,
            &inner.files,
            "migration.sql",
            is_known,
        );
        if let Err(Problems(more)) = known {
            problems.extend(more);
        } else if inner.files.is_empty() && !inner.code.is_empty() {
            // A migration in code, of which the directory tells.
        } else if !inner.has("migration.sql") {
            problems.push(Problem::file(&inner.dir, "no migration.sql in it"));
        } else {
            migrations.push(migration(listing, dir)?);
        }
    }
    checked(migrations, problems)
}

fn check_provider(listing: &Listing) -> Result<(), Problem> {
    if !listing.has(LOCK_FILE) {
        return Ok(());
    }
    let path = listing.dir.join(LOCK_FILE);
    let table: toml::Table = listing
        .text(LOCK_FILE)?
        .parse()
        .map_err(|error| Problem::file(&path, format!("not TOML: {error}")))?;
    match table.get("provider").and_then(toml::Value::as_str) {
        Some("postgresql") => Ok(()),
        other => {
            let provider = other.unwrap_or("nothing");
            let message = format!("provider = {provider}: {NOT_FOR_POSTGRES}");
            Err(Problem::file(path, message))
        }
    }
}

fn migration(listing: &Listing, dir: &str) -> Result<Migration, Problem> {
    let file = format!("{dir}/migration.sql");
    let text = listing.text(&file)?;
    let checksum = hex(&Sha256::digest(&text));
    let name = literal(dir);
    let around = Around {
        before: vec![
            lock(KEY),
            TABLE.to_owned(),
            format!(
                "INSERT INTO _prisma_migrations (id, checksum, started_at, migration_name) \
                 VALUES (gen_random_uuid()::text, '{checksum}', now(), {name})"
            ),
        ],
        inside: Vec::new(),
        after: vec![
            format!(
                "UPDATE _prisma_migrations SET applied_steps_count = applied_steps_count + 1 \
                 WHERE migration_name = {name}"
            ),
            format!(
                "UPDATE _prisma_migrations SET finished_at = now() WHERE migration_name = {name}"
            ),
            unlock(KEY),
        ],
    };
    let up = Part::new(listing, &file, text, Transaction::OneQuery).with(around);
    // Prisma runs no way back; a down.sql is sent by hand, as `prisma db execute` does.
    let back = format!("{dir}/down.sql");
    let down = if listing.has(&back) {
        let text = listing.text(&back)?;
        Some(Part::new(listing, &back, text, Transaction::OneQuery))
    } else {
        None
    };
    Ok(Migration::new(dir.to_owned(), up, down))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    #[test]
    fn a_migration_is_one_query_between_started_and_finished() {
        let directory = check(
            Layout::Prisma,
            &[
                (LOCK_FILE, "provider = \"postgresql\""),
                ("2024_b/migration.sql", "SELECT 1;\nSELECT 2;"),
                (
                    "2023_a/migration.sql",
                    "CREATE INDEX CONCURRENTLY i ON t (a);",
                ),
                ("2023_a/down.sql", "DROP INDEX CONCURRENTLY i;"),
            ],
            &[
                "2023_a up 2023_a/migration.sql [OneQuery] 1: CREATE INDEX CONCURRENTLY i ON t (a)",
                "2023_a down 2023_a/down.sql [OneQuery] 1: DROP INDEX CONCURRENTLY i",
                "2024_b up 2024_b/migration.sql [OneQuery] 1: SELECT 1 | 2: SELECT 2",
            ],
        );
        sends(
            &directory.migrations[1].up.around,
            &[
                "pg_advisory_lock(72707369)",
                "CREATE TABLE",
                "now(), '2024_b')",
            ],
            &[],
            &[
                "applied_steps_count",
                "finished_at = now()",
                "pg_advisory_unlock(72707369)",
            ],
        );
    }

    #[test]
    fn other_databases_and_other_files_are_refused() {
        refuse(
            Layout::Prisma,
            &[
                (LOCK_FILE, "provider = \"mysql\""),
                ("1_a/migration.sql", ""),
            ],
            &["m/migration_lock.toml: provider = mysql: these migrations are not for Postgres"],
        );
        refuse(
            Layout::Prisma,
            &[
                ("1_a/migration.sql", ""),
                ("2_b/down.sql", ""),
                ("3_c/migration.sql", ""),
                ("3_c/x.sql", ""),
            ],
            &[
                "m/2_b: no migration.sql in it",
                "m/3_c/x.sql: not a migration as prisma names them: migration.sql; \
                 move it elsewhere, or name another tool with --layout",
            ],
        );
    }
}
