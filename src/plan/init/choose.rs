//! Which directory of a repository holds its migrations.

use std::path::{Path, PathBuf};

use crate::input::{Problem, Problems};
use crate::migrations::layouts::NOT_FOR_POSTGRES;
use crate::migrations::{Directory, Layout};

/// How directories for other database systems are called.
const OTHER_SYSTEMS: [&str; 20] = [
    "mysql",
    "mariadb",
    "sqlite",
    "sqlite3",
    "h2",
    "hsqldb",
    "derby",
    "oracle",
    "mssql",
    "sqlserver",
    "db2",
    "clickhouse",
    "cockroach",
    "cockroachdb",
    "cassandra",
    "mongo",
    "mongodb",
    "spanner",
    "tidb",
    "duckdb",
];

const POSTGRES: [&str; 5] = ["postgres", "postgresql", "pg", "pgsql", "psql"];

/// How directories are called whose migrations no production runs.
const TRIALS: [&str; 6] = ["test", "tests", "example", "examples", "demo", "samples"];

/// What scripts for other systems say, in capitals, and none for Postgres.
const OTHER_WORDS: [&str; 5] = [
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "ENGINE =",
    "ENGINE=",
    "MERGETREE",
];

/// A directory that may be meant.
struct Candidate {
    /// Relative to the repository.
    dir: PathBuf,
    layout: Option<Layout>,
    read: Result<Directory, Problems>,
}

/// The directory that holds the repository's migrations.
pub(super) fn the_only_directory(
    root: &Path,
    files: &[PathBuf],
) -> Result<(PathBuf, Directory), Problems> {
    let mut found: Vec<Candidate> = Vec::new();
    for dir in candidates(files) {
        // What lies in a directory that was read is a part of it.
        if found.iter().any(|other| dir.starts_with(&other.dir)) {
            continue;
        }
        let path = root.join(&dir);
        found.push(Candidate {
            layout: Directory::layout(&path),
            read: Directory::read(&path, None),
            dir,
        });
    }
    found = narrowed(found, |one| !one.is_of_another_system());
    found = narrowed(found, |one| !names_any(&one.dir, &TRIALS));
    found = narrowed(found, |one| one.layout.is_some());
    found = narrowed(found, |one| one.layout != Some(Layout::Plain));
    found = narrowed(found, |one| names_any(&one.dir, &POSTGRES));
    if found.len() > 1 {
        let all: Vec<String> = found.iter().map(Candidate::in_words).collect();
        let message = format!("several directories of migrations: {}", all.join(", "));
        let problem = Problem::file(root, message);
        let hint = "name one: pgrehearse init --migrations DIR";
        return Err(problem.hint(hint).into());
    }
    let Some(one) = found.pop() else {
        let problem = Problem::file(root, "no directory of migrations was found here");
        let hint = "name it: pgrehearse init --migrations DIR; migrations in code are rehearsed with --command";
        return Err(problem.hint(hint).into());
    };
    Ok((one.dir, one.read?))
}

/// Those that are such, if any is.
fn narrowed(found: Vec<Candidate>, is_such: impl Fn(&Candidate) -> bool) -> Vec<Candidate> {
    match found.iter().any(&is_such) {
        true => found.into_iter().filter(is_such).collect(),
        false => found,
    }
}

impl Candidate {
    fn is_of_another_system(&self) -> bool {
        if names_any(&self.dir, &OTHER_SYSTEMS) {
            return true;
        }
        match &self.read {
            Err(Problems(problems)) => problems
                .iter()
                .any(|problem| problem.message.ends_with(NOT_FOR_POSTGRES)),
            Ok(directory) => directory.migrations.iter().any(|one| {
                let text = one.up.text.to_ascii_uppercase();
                OTHER_WORDS.iter().any(|word| text.contains(word))
            }),
        }
    }

    fn in_words(&self) -> String {
        let dir = self.dir.display();
        match (&self.layout, &self.read) {
            (Some(layout), Ok(_)) => format!("{dir} ({layout})"),
            (Some(layout), Err(_)) => format!("{dir} ({layout}, with mistakes)"),
            (None, _) => format!("{dir} (of no layout)"),
        }
    }
}

/// Whether one of the words stands in the path: `jdbc-mysql/migrations` names `mysql`.
fn names_any(path: &Path, words: &[&str]) -> bool {
    let path = path.to_string_lossy().to_ascii_lowercase();
    let mut named = path.split(|letter: char| !letter.is_alphanumeric());
    named.any(|word| words.contains(&word))
}

/// Directories that may hold migrations, outer ones first.
fn candidates(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    let mut add = |dir: Option<&Path>| {
        let dir = dir.map(Path::to_owned);
        candidates.extend(dir.filter(|dir| !candidates.contains(dir)));
    };
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str());
        match name.unwrap_or_default() {
            "sqitch.plan" | "atlas.sum" => add(file.parent()),
            "_journal.json" => add(file.parent().and_then(Path::parent)),
            name if name.ends_with(".sql") => {
                let by_name = named_after_migrations(file);
                add(by_name.or_else(|| file.parent().filter(|_| is_named_by_a_tool(name))));
            }
            _ => {}
        }
    }
    candidates.sort();
    candidates
}

/// The outermost directory that is called so: what is in it may be sorted into more. One in it that is called after a
/// database system stands for itself.
fn named_after_migrations(file: &Path) -> Option<&Path> {
    let dirs: Vec<&Path> = file.ancestors().skip(1).collect();
    let is_named = |dir: &&Path| {
        let name = name_of(dir);
        name.contains("migration") || name == "migrate" || name == "changelog"
    };
    let outermost = dirs.iter().rposition(is_named)?;
    let is_system = |dir: &&&Path| {
        let name = name_of(dir);
        OTHER_SYSTEMS.contains(&name.as_str()) || POSTGRES.contains(&name.as_str())
    };
    let of_system = dirs[..outermost].iter().rfind(is_system);
    Some(of_system.unwrap_or(&dirs[outermost]))
}

fn name_of(dir: &Path) -> String {
    let name = dir.file_name().and_then(|name| name.to_str());
    name.unwrap_or_default().to_ascii_lowercase()
}

/// `V1__a.sql`, `1_a.up.sql`.
fn is_named_by_a_tool(name: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let version = name.strip_prefix('V').filter(|_| name.contains("__"));
    version.is_some_and(|version| version.starts_with(is_digit))
        || name.ends_with(".up.sql") && name.starts_with(is_digit)
}
