//! Flyway: `V<v>__<name>.sql`, undone by `U`, and after all of them `R__<name>.sql`, with placeholders.

mod settings;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use settings::{FileSettings, Settings};

use super::{
    Fit, Found, Layout, Rules, checked, filled_in, literal, lock_by_asking, named, paired, unlock,
};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Script, Statement, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Flyway,
    name: "flyway",
    fits,
    read,
};

const EXPECTED: &str = "V<version>__<name>.sql, U<version>__<name>.sql or R__<name>.sql";

/// The letters of "Flyway", which Flyway adds a number to that depends on the table's name.
const KEY: &str = "77431708279161";

/// What Flyway knows to fail in a transaction, as a statement begins.
const NON_TRANSACTIONAL: [&str; 14] = [
    "CREATE DATABASE",
    "DROP DATABASE",
    "CREATE TABLESPACE",
    "DROP TABLESPACE",
    "CREATE SUBSCRIPTION",
    "DROP SUBSCRIPTION",
    "ALTER SYSTEM",
    "CREATE INDEX CONCURRENTLY",
    "CREATE UNIQUE INDEX CONCURRENTLY",
    "DROP INDEX CONCURRENTLY",
    "REINDEX SCHEMA",
    "REINDEX DATABASE",
    "REINDEX SYSTEM",
    "DISCARD ALL",
];

/// What the name of a script says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Versioned(Version),
    Undo(Version),
    Repeatable,
    /// It sets up a database that has nothing yet.
    Baseline,
}

/// Its numbers; those of 1, 1.0 and 1_0 are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(Vec<u64>);

fn fits(listing: &Listing) -> Option<Fit> {
    listing.sql().find(|name| parse(name).is_some())?;
    if listing.files.iter().any(|name| name.ends_with(".sql.conf")) {
        return Some(Fit::Marker);
    }
    let config = ["flyway.toml", "flyway.conf"].map(|name| listing.nearest(name).map(|(up, _)| up));
    match config.into_iter().flatten().min() {
        Some(up) => Some(Fit::Repository(Reverse(up))),
        None => Some(Fit::Names),
    }
}

/// Kind, version as it is written, and description.
fn parse(file: &str) -> Option<(Kind, &str, &str)> {
    let stem = file.rsplit('/').next()?.strip_suffix(".sql")?;
    let (head, description) = stem.split_once("__")?;
    if head == "R" {
        return Some((Kind::Repeatable, "", description));
    }
    let kind: fn(Version) -> Kind = match head.get(..1)? {
        "V" => Kind::Versioned,
        "U" => Kind::Undo,
        "B" => |_| Kind::Baseline,
        _ => return None,
    };
    let numbers = head[1..].split(['.', '_']).map(str::parse);
    let mut numbers: Vec<u64> = numbers.collect::<Result<_, _>>().ok()?;
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some((kind(Version(numbers)), &head[1..], description))
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let settings = Settings::read(listing)?;
    let all = listing.files_below()?;
    let is_config = |file: &&String| {
        let script = file.strip_suffix(".conf");
        script.is_some_and(|script| all.iter().any(|one| one == script))
    };
    let (configs, scripts): (Vec<&String>, Vec<&String>) = all.iter().partition(is_config);
    let configs: BTreeMap<&str, FileSettings> = configs
        .into_iter()
        .map(|file| Ok((file.as_str(), FileSettings::read(listing, file)?)))
        .collect::<Result<_, Problem>>()?;
    let scripts: Vec<String> = scripts.into_iter().cloned().collect();
    let files = named(listing, Layout::Flyway, &scripts, EXPECTED, |file| {
        let (kind, version, description) = parse(file)?;
        let version = version.replace('_', ".");
        Some((
            file.to_owned(),
            kind,
            version,
            description.replace('_', " "),
        ))
    })?;
    let (mut versioned, mut repeatable, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (file, kind, version, description) in files {
        // A database that has the earlier versions, as one with data does, never runs it.
        if kind == Kind::Baseline {
            continue;
        }
        let own = configs.get(format!("{file}.conf").as_str());
        let own = own.copied().unwrap_or_default();
        let part = match part(listing, &file, &settings, own) {
            Ok(part) => part.with(around(&kind, &version, &description, &file)),
            Err(Problems(more)) => {
                problems.extend(more);
                continue;
            }
        };
        match kind {
            Kind::Versioned(key) | Kind::Undo(key) => versioned.push(Found {
                key,
                version,
                is_down: parse(&file).is_some_and(|(kind, ..)| matches!(kind, Kind::Undo(_))),
                part,
            }),
            _ => repeatable.push((description, part)),
        }
    }
    checked((), problems)?;
    let mut migrations = paired(versioned)?;
    repeatable.sort_by(|(a, _), (b, _)| a.cmp(b));
    migrations.extend(repeatable.into_iter().map(|(description, part)| Migration {
        is_repeatable: true,
        ..Migration::new(description, part, None)
    }));
    Ok(migrations)
}

fn part(
    listing: &Listing,
    file: &str,
    settings: &Settings,
    own: FileSettings,
) -> Result<Part, Problems> {
    let mut text = listing.text(file)?;
    if own
        .replaces_placeholders
        .unwrap_or(settings.replaces_placeholders)
    {
        let hint = |name: &str| {
            format!(
                "set flyway.placeholders.{name} in flyway.conf, or {name} below [flyway.placeholders] in flyway.toml"
            )
        };
        let value = |name: &str| settings.placeholder(name, file);
        let around = (settings.prefix.as_str(), settings.suffix.as_str());
        text = filled_in(listing, file, &text, around, value, hint)?;
    }
    let runs_in_transaction = match own.runs_in_transaction {
        Some(asked) => asked,
        None => settings.runs_in_transaction && is_transactional(listing, file, &text, settings)?,
    };
    let transaction = match (runs_in_transaction, settings.is_grouped) {
        (true, false) => Transaction::WholeFile,
        (true, true) => Transaction::AllPending,
        (false, _) => Transaction::PerStatement,
    };
    Ok(Part::new(listing, file, text, transaction))
}

/// Whether Flyway finds nothing in it that fails in a transaction. It refuses a script with both kinds.
fn is_transactional(
    listing: &Listing,
    file: &str,
    text: &str,
    settings: &Settings,
) -> Result<bool, Problem> {
    // What is no SQL is told when the script is read.
    let Ok(script) = Script::parse(text, "".as_ref(), file) else {
        return Ok(true);
    };
    let (outside, inside): (Vec<&Statement>, Vec<&Statement>) = script
        .statements
        .iter()
        .partition(|s| is_non_transactional(&s.sql));
    match (outside.first(), inside.first()) {
        (Some(statement), Some(_)) if !settings.is_mixed => {
            let message = "Flyway refuses a script in which some statements run in a transaction and others, \
                           as this one, cannot";
            let problem = Problem::file(listing.dir.join(file), message).at_line(statement.line);
            Err(problem.hint("put it into a script of its own, or set flyway.mixed"))
        }
        (outside, _) => Ok(outside.is_none()),
    }
}

fn is_non_transactional(sql: &str) -> bool {
    let words = sql.split_whitespace().take(6).map(str::to_ascii_uppercase);
    let start = words
        .collect::<Vec<_>>()
        .join(" ")
        .replace("REINDEX VERBOSE", "REINDEX");
    start.starts_with("VACUUM")
        || NON_TRANSACTIONAL.iter().any(|known| {
            let rest = start.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';']))
        })
}

/// Flyway's history is written through a connection of its own, and its lock is held there.
fn around(kind: &Kind, version: &str, description: &str, file: &str) -> Around {
    let kind_name = match kind {
        Kind::Undo(_) => "UNDO_SQL",
        _ => "SQL",
    };
    let version = match kind {
        Kind::Repeatable => "NULL".to_owned(),
        _ => literal(version),
    };
    let row = format!(
        "INSERT INTO flyway_schema_history \
         (installed_rank, version, description, type, script, installed_by, execution_time, success) \
         SELECT coalesce(max(installed_rank), 0) + 1, {version}, {}, '{kind_name}', {}, current_user, 0, true \
         FROM flyway_schema_history",
        literal(description),
        literal(file)
    );
    Around {
        before: vec![
            lock_by_asking(KEY),
            "CREATE TABLE IF NOT EXISTS flyway_schema_history (installed_rank integer NOT NULL \
             CONSTRAINT flyway_schema_history_pk PRIMARY KEY, version varchar(50), \
             description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, \
             checksum integer, installed_by varchar(100) NOT NULL, \
             installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, \
             success boolean NOT NULL)"
                .to_owned(),
            "CREATE INDEX IF NOT EXISTS flyway_schema_history_s_idx ON flyway_schema_history (success)"
                .to_owned(),
        ],
        inside: Vec::new(),
        after: vec![row, unlock(KEY)],
    }
}

#[cfg(test)]
mod tests;
