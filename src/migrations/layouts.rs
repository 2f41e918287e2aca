//! The layouts of migration tools: which files are migrations, in which order, and how the tool runs each.

pub mod sqlx;
pub mod diesel;
pub mod refinery;
pub mod golang_migrate;
pub mod goose;
pub mod dbmate;
pub mod drizzle;
pub mod prisma;
pub mod flyway;
pub mod liquibase;
pub mod atlas;
pub mod sqitch;
pub mod plain;

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use super::directory::{Migration, Part};
use super::listing::Listing;
use super::script::{Around, Transaction};
use crate::input::{Problem, Problems, did_you_mean, line_at};

/// Which tool's layout, written as the tool's name in small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    Sqlx,
    Diesel,
    Refinery,
    GolangMigrate,
    Goose,
    Dbmate,
    Drizzle,
    Prisma,
    Flyway,
    Liquibase,
    Atlas,
    Sqitch,
    Plain,
}

/// One layout's rules.
pub struct Rules {
    pub layout: Layout,
    name: &'static str,
    /// How surely a directory has this layout, if it may have it at all.
    pub(super) fits: fn(&Listing) -> Option<Fit>,
    /// All migrations of a directory in their order.
    pub(super) read: fn(&Listing) -> Result<Vec<Migration>, Problems>,
}

/// How surely a directory has a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Its file names look so, as those of several tools do.
    Shape,
    /// No other tool names its files so.
    Names,
    /// A file of the tool so many directories above says so: the nearer, the surer.
    Repository(Reverse<usize>),
    /// The directory or its files say so.
    Marker,
}

impl Layout {
    pub const ALL: [Layout; 13] = [
        Layout::Sqlx,
        Layout::Diesel,
        Layout::Refinery,
        Layout::GolangMigrate,
        Layout::Goose,
        Layout::Dbmate,
        Layout::Drizzle,
        Layout::Prisma,
        Layout::Flyway,
        Layout::Liquibase,
        Layout::Atlas,
        Layout::Sqitch,
        Layout::Plain,
    ];

    /// The tool's name.
    pub fn name(self) -> &'static str {
        self.rules().name
    }

    pub(super) fn rules(self) -> &'static Rules {
        // LAYOUTS and the enum have the same order, which a test holds.
        &super::LAYOUTS[self as usize]
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(name: &str) -> Result<Layout, String> {
        let known = Layout::ALL.map(Layout::name);
        let found = Layout::ALL.into_iter().find(|layout| layout.name() == name);
        found.ok_or_else(|| {
            let hint = did_you_mean(name, known)
                .unwrap_or_else(|| format!("known are: {}", known.join(", ")));
            format!("no layout of this name; {hint}")
        })
    }
}

/// How the mistake ends where a directory is another database system's.
pub const NOT_FOR_POSTGRES: &str = "these migrations are not for Postgres";

/// A mistake in a file: its line, and what is wrong.
type Mistake = (usize, String);

/// A migration's file, or one direction of it.
struct Found<K> {
    /// What the tool sorts by, and takes for the same migration.
    key: K,
    version: String,
    is_down: bool,
    part: Part,
}

impl Part {
    fn new(listing: &Listing, file: &str, text: String, transaction: Transaction) -> Part {
        Part {
            path: listing.dir.join(file),
            name: file.to_owned(),
            text,
            transaction: Some(transaction),
            around: Around::default(),
        }
    }

    fn with(mut self, around: Around) -> Part {
        self.around = around;
        self
    }
}

impl Migration {
    fn new(version: String, up: Part, down: Option<Part>) -> Migration {
        Migration {
            version,
            name: up.name.clone(),
            up,
            down,
            is_repeatable: false,
        }
    }
}

/// What each file is by `parse`; a file that it makes nothing of is a mistake.
fn named<T>(
    listing: &Listing,
    layout: Layout,
    files: &[String],
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Problems> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match parse(file) {
            Some(it) => found.push(it),
            None => problems.push(stranger(listing, layout, file, expected)),
        }
    }
    checked(found, problems)
}

/// As [`named`], for the files of a tool that looks into no directory below.
fn named_here<T>(
    listing: &Listing,
    layout: Layout,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Problems> {
    let mut problems = Vec::new();
    for name in &listing.dirs {
        if listing.within(name)?.sql().next().is_some() {
            let message = format!("SQL in a directory that {layout} does not look into");
            let problem = Problem::file(listing.dir.join(name), message);
            problems.push(problem.hint("name the directory itself, or move it elsewhere"));
        }
    }
    checked((), problems)?;
    named(listing, layout, &listing.files, expected, parse)
}

/// `found`, unless there is a mistake.
fn checked<T>(found: T, problems: Vec<Problem>) -> Result<T, Problems> {
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(Problems(problems))
    }
}

/// A file that fits no rule of the layout.
pub(super) fn stranger(listing: &Listing, layout: Layout, file: &str, expected: &str) -> Problem {
    let path = listing.dir.join(file);
    let message = format!("not a migration as {layout} names them: {expected}");
    Problem::file(path, message).hint("move it elsewhere, or name another tool with --layout")
}

/// Puts the downs to their ups, and all in order.
fn paired<K: Ord>(mut found: Vec<Found<K>>) -> Result<Vec<Migration>, Problems> {
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let (downs, ups): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.is_down);
    let mut problems = doubles(&ups);
    problems.extend(doubles(&downs));
    let has_way_there = |down: &&Found<K>| ups.binary_search_by(|up| up.key.cmp(&down.key)).is_ok();
    problems.extend(downs.iter().filter(|down| !has_way_there(down)).map(lonely));
    checked((), problems)?;
    let mut downs = downs.into_iter().peekable();
    let migration = |up: Found<K>| {
        let down = downs.next_if(|down| down.key == up.key);
        Migration::new(up.version, up.part, down.map(|down| down.part))
    };
    Ok(ups.into_iter().map(migration).collect())
}

fn doubles<K: Ord>(found: &[Found<K>]) -> Vec<Problem> {
    let pairs = found.windows(2).filter(|pair| pair[0].key == pair[1].key);
    pairs
        .map(|pair| {
            let message = format!(
                "version {} is that of {} too",
                pair[1].version, pair[0].part.name
            );
            Problem::file(&pair[1].part.path, message)
        })
        .collect()
}

fn lonely<K>(down: &Found<K>) -> Problem {
    let message = format!("version {} has a way back and no way there", down.version);
    Problem::file(&down.part.path, message)
}

/// `0003_add_index.sql` as `("0003", "add_index.sql")`.
fn numbered(file: &str) -> Option<(&str, &str)> {
    let (number, rest) = file.split_once('_')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((number, rest))
}

/// Whether a part says nothing to the server.
fn only_comments(part: &str) -> bool {
    let mut lines = part.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with("--"))
}

/// The lines that are kept at their places; others are blank.
fn only_lines(text: &str, keep: impl Fn(usize) -> bool) -> String {
    let lines = text.lines().enumerate();
    let kept = lines.map(|(at, line)| if keep(at + 1) { line } else { "" });
    kept.collect::<Vec<_>>().join("\n")
}

/// The text with each `${name}` replaced by its value. One without a value is a mistake.
fn filled_in(
    listing: &Listing,
    file: &str,
    text: &str,
    (prefix, suffix): (&str, &str),
    value: impl Fn(&str) -> Option<String>,
    hint: impl Fn(&str) -> String,
) -> Result<String, Problems> {
    let (mut filled, mut problems) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(prefix) {
        let Some((name, after)) = after
            .split_once(suffix)
            .filter(|(name, _)| !name.contains('\n'))
        else {
            break;
        };
        filled.push_str(before);
        let Some(value) = value(name) else {
            let line = line_at(text, text.len() - rest.len() + before.len());
            let message = format!("{prefix}{name}{suffix} has no value");
            let problem = Problem::file(listing.dir.join(file), message).at_line(line);
            problems.push(problem.hint(hint(name)));
            rest = after;
            continue;
        };
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    checked((), problems).map(|()| filled)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A string constant of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Takes a session's advisory lock, and waits in the server until it comes.
fn lock(key: &str) -> String {
    format!("SELECT pg_advisory_lock({key})")
}

/// Takes a session's advisory lock as tools do that ask for it again and again. In between no snapshot is held, so
/// that it is in the way of no CREATE INDEX CONCURRENTLY.
fn lock_by_asking(key: &str) -> String {
    format!(
        "DO $$ BEGIN WHILE NOT pg_try_advisory_lock({key}) LOOP COMMIT; PERFORM pg_sleep(0.1); \
         END LOOP; END $$"
    )
}

fn unlock(key: &str) -> String {
    format!("SELECT pg_advisory_unlock({key})")
}

/// One key for each database, where a tool makes its own from the database's name. Which one it is changes nothing:
/// only the tool's own sessions ask for it.
const KEY_OF_DATABASE: &str = "hashtext(current_database())";

#[cfg(test)]
pub(super) mod tests;
