//! Liquibase's formatted SQL: files of changesets, each in a transaction unless it says otherwise.

mod changeset;

use std::collections::BTreeMap;

use changeset::{Changeset, is_header};

use super::{Fit, Layout, Rules, checked, filled_in, literal, lock_by_asking, stranger, unlock};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Liquibase,
    name: "liquibase",
    fits,
    read,
};

/// Liquibase's lock is a row that it looks at again and again; this lock stands for the row's, and is gone with the
/// session, as the row's is when Liquibase has failed.
const KEY: &str = "hashtext('databasechangeloglock')";

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS databasechangeloglock (id integer NOT NULL PRIMARY KEY, \
     locked boolean NOT NULL, lockgranted timestamp, lockedby varchar(255))",
    "INSERT INTO databasechangeloglock (id, locked) VALUES (1, false) ON CONFLICT DO NOTHING",
    "CREATE TABLE IF NOT EXISTS databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, \
     filename varchar(255) NOT NULL, dateexecuted timestamp NOT NULL, orderexecuted integer NOT NULL, \
     exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255), comments varchar(255), \
     tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), \
     deployment_id varchar(10))",
];

/// Changelogs in other formats.
const OTHER_FORMATS: [&str; 4] = [".xml", ".yaml", ".yml", ".json"];

fn fits(listing: &Listing) -> Option<Fit> {
    let is_formatted = |name: &str| listing.text(name).is_ok_and(|text| is_changelog(&text));
    listing.sql().any(is_formatted).then_some(Fit::Marker)
}

fn is_changelog(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    text.lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(is_header)
}

/// Files run in the order of their paths, as `includeAll` has them.
fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let mut parameters = parameters(listing)?;
    let (mut migrations, mut problems) = (Vec::new(), Vec::new());
    for file in listing.files_below()? {
        if OTHER_FORMATS.iter().any(|format| file.ends_with(format)) {
            // The changelog that includes the others only says what the names do.
            if !file.contains("master") && !file.contains("root") {
                let message = "a changelog that is not in formatted SQL, which is not read here";
                let problem = Problem::file(listing.dir.join(&file), message);
                problems.push(problem.hint("let the tool itself run it with --command"));
            }
            continue;
        }
        if !file.ends_with(".sql") {
            problems.push(stranger(listing, Layout::Liquibase, &file, "<name>.sql"));
            continue;
        }
        match changesets(listing, &file, &mut parameters) {
            Ok(more) => migrations.extend(more),
            Err(Problems(more)) => problems.extend(more),
        }
    }
    checked(migrations, problems)
}

/// `parameter.name: value` of `liquibase.properties`.
fn parameters(listing: &Listing) -> Result<BTreeMap<String, String>, Problem> {
    let Some((_, path)) = listing.nearest("liquibase.properties") else {
        return Ok(BTreeMap::new());
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Problem::file(&path, format!("cannot read it: {error}")))?;
    let parameters = text.lines().filter_map(|line| {
        let (name, value) = line
            .trim()
            .strip_prefix("parameter.")?
            .split_once([':', '='])?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    });
    Ok(parameters.collect())
}

fn changesets(
    listing: &Listing,
    file: &str,
    parameters: &mut BTreeMap<String, String>,
) -> Result<Vec<Migration>, Problems> {
    let text = listing.text(file)?;
    let wrong =
        |line: usize, message: String| Problem::file(listing.dir.join(file), message).at_line(line);
    if !is_changelog(&text) {
        let message = "it does not begin with `--liquibase formatted sql`".to_owned();
        return Err(wrong(1, message).into());
    }
    for (name, value) in text.lines().filter_map(changeset::property) {
        // The first to set a property wins.
        parameters.entry(name).or_insert(value);
    }
    let sets = Changeset::all(&text).map_err(|(line, message)| wrong(line, message))?;
    let mut migrations: Vec<Migration> = Vec::new();
    for set in sets {
        let version = format!("{}:{}", set.author, set.id);
        if migrations.iter().any(|known| known.version == version) {
            return Err(wrong(set.line, format!("a second changeset {version}")).into());
        }
        if !set.runs_on_postgres() {
            continue;
        }
        let fill = |text: &str| {
            let value = |name: &str| parameters.get(name).cloned();
            let hint = |name: &str| {
                format!(
                    "set it with --property name:{name} value:…, or as parameter.{name} in liquibase.properties"
                )
            };
            filled_in(listing, file, text, ("${", "}"), value, hint)
        };
        let name = format!("{file}::{version}");
        let part = |text: String, row: String| Part {
            name: name.clone(),
            ..Part::new(listing, file, text, set.transaction()).with(around(row))
        };
        let up = part(fill(&set.up)?, inserted(&set, file));
        let down = match &set.down {
            Some(down) => Some(part(fill(down)?, deleted(&set, file))),
            None => None,
        };
        migrations.push(Migration {
            is_repeatable: set.is_repeatable(),
            ..Migration::new(version, up, down)
        });
    }
    Ok(migrations)
}

impl Changeset {
    fn transaction(&self) -> Transaction {
        match (self.runs_in_transaction(), self.is_split()) {
            (true, _) => Transaction::WholeFile,
            (false, true) => Transaction::PerStatement,
            (false, false) => Transaction::OneQuery,
        }
    }
}

/// The row of a changeset comes after its COMMIT.
fn around(row: String) -> Around {
    let mut before = vec![lock_by_asking(KEY)];
    before.extend(TABLES.map(str::to_owned));
    let locked = "UPDATE databasechangeloglock SET locked = true, lockgranted = now() WHERE id = 1";
    let free = "UPDATE databasechangeloglock SET locked = false, lockgranted = NULL WHERE id = 1";
    before.push(locked.to_owned());
    Around {
        before,
        inside: Vec::new(),
        after: vec![row, free.to_owned(), unlock(KEY)],
    }
}

fn inserted(set: &Changeset, file: &str) -> String {
    format!(
        "INSERT INTO databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype, description) \
         SELECT {}, {}, {}, now(), coalesce(max(orderexecuted), 0) + 1, 'EXECUTED', 'sql' FROM databasechangelog",
        literal(&set.id),
        literal(&set.author),
        literal(file)
    )
}

fn deleted(set: &Changeset, file: &str) -> String {
    format!(
        "DELETE FROM databasechangelog WHERE id = {} AND author = {} AND filename = {}",
        literal(&set.id),
        literal(&set.author),
        literal(file)
    )
}

#[cfg(test)]
mod tests;
