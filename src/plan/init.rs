//! What a `pgrehearse.toml` for a repository is to say, from what is found in it.

mod choose;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ignore::WalkBuilder;
use regex::Regex;

use super::repository::FILE_NAME;
use crate::cli;
use crate::input::Problems;
use crate::migrations::{Directory, Layout};
use crate::postgres::version::OLDEST_SUPPORTED;

/// Deeper down migrations are somebody else's.
const DEPTH_MAX: usize = 8;

/// Directories of what is installed, not written.
const INSTALLED: [&str; 6] = [
    "node_modules",
    "vendor",
    "target",
    "dist",
    "testdata",
    "fixtures",
];

/// What was found in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Relative to the repository.
    pub migrations: PathBuf,
    pub layout: Layout,
    pub count: usize,
    /// The major version of Postgres, and the file that names it.
    pub postgres: Option<(u16, PathBuf)>,
}

/// Looks through the repository in `root`.
pub fn look(root: &Path, args: &cli::Init) -> Result<Findings, Problems> {
    let files = files(root);
    let (migrations, directory) = match &args.migrations {
        Some(typed) => (typed.clone(), Directory::read(&root.join(typed), None)?),
        None => choose::the_only_directory(root, &files)?,
    };
    Ok(Findings {
        migrations,
        layout: directory.layout,
        count: directory.migrations.len(),
        postgres: postgres(root, &files),
    })
}

/// All files that are not ignored, relative to the root.
fn files(root: &Path) -> Vec<PathBuf> {
    let walk = WalkBuilder::new(root)
        .max_depth(Some(DEPTH_MAX))
        .hidden(false)
        .require_git(false)
        .sort_by_file_path(Path::cmp)
        .filter_entry(|entry| {
            let name = entry.file_name().to_str().unwrap_or_default();
            name != ".git" && !INSTALLED.contains(&name)
        })
        .build();
    let files = walk
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    files
        .filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_owned()))
        .collect()
}

/// The image of a service, as compose files and CI configurations name it: `postgres:16-alpine`,
/// `postgis/postgis:15-3.4`, `timescale/timescaledb:latest-pg16`.
static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
    let names = "postgres(?:ql)?|postgis|pgvector|timescaledb(?:-ha)?|supabase/postgres";
    Regex::new(&format!(r"(?:{names}):(?:[a-z]+-)?(?:pg)?(\d\d)(?:\D|$)")).expect("it is valid")
});

/// The newest version of Postgres that compose files name, or else those of CI.
fn postgres(root: &Path, files: &[PathBuf]) -> Option<(u16, PathBuf)> {
    let is_compose = |path: &&PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        (name.contains("compose")) && (name.ends_with(".yml") || name.ends_with(".yaml"))
    };
    let is_ci = |path: &&PathBuf| {
        let is_yaml = path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        let in_ci = [".github/workflows", ".circleci"];
        is_yaml
            && (in_ci.iter().any(|dir| path.starts_with(dir)) || path.ends_with(".gitlab-ci.yml"))
    };
    let newest = |files: Vec<&PathBuf>| {
        let versions = files.into_iter().filter_map(|file| {
            let text = std::fs::read_to_string(root.join(file)).ok()?;
            let named = IMAGE.captures_iter(&text);
            let majors = named.filter_map(|found| found[1].parse::<u16>().ok());
            let newest = majors.filter(|major| *major >= OLDEST_SUPPORTED).max()?;
            Some((newest, file.clone()))
        });
        versions.max_by_key(|(major, _)| *major)
    };
    newest(files.iter().filter(is_compose).collect())
        .or_else(|| newest(files.iter().filter(is_ci).collect()))
}

/// The file, commented.
pub fn to_toml(findings: &Findings) -> String {
    let Findings {
        migrations,
        layout,
        count,
        postgres,
    } = findings;
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = String::new();
    let mut add = |lines: &str| {
        let _ = writeln!(text, "{lines}");
    };
    add(&format!(
        "# {FILE_NAME}: how the migrations of this repository are rehearsed.\n\
         #\n\
         #   pgrehearse run                       the newest migration\n\
         #   pgrehearse run --since origin/main   those that a branch adds, in their order\n\
         #   pgrehearse explain                   what run would do\n\
         #\n\
         # What is typed comes before what is written here. All keys: pgrehearse schema repository\n"
    ));
    add(&format!(
        "# {count} were found. The layout is recognised; it is written so that it stays.\n\
         migrations = {}\n\
         layout = {}\n",
        quoted(&migrations.display().to_string()),
        quoted(&layout.to_string())
    ));
    add(
        "# Rows of each large table; small ones follow in proportion. As many as production has, or will have.\n\
         rows = 1_000_000\n",
    );
    match postgres {
        Some((major, file)) => add(&format!(
            "# The version that {} names.\npostgres = [{major}]\n",
            file.display()
        )),
        None => add(
            "# Major versions of Postgres; several need Docker. Default: whichever there is.\n# postgres = [17]\n",
        ),
    }
    add(
        "# A schema as SQL, or a dump, in place of the migrations before.\n\
         # base = \"db/schema.sql\"\n\n\
         # The traffic. Default: derived from the schema; pgrehearse run --write-workload FILE writes that down.\n\
         # workload = \"pgrehearse/workload.toml\"\n\n\
         # Give a lock up that does not come, and try again.\n\
         # lock_timeout_ms = 500\n\
         # retries = 10\n\
         # backoff_ms = 200\n\n\
         [load]\n\
         # Queries per second, whatever the server does, and the connections that they share.\n\
         arrivals_per_s = 400\n\
         connections = 32\n\n\
         # Limits of the report: outside of them the exit code is 1.\n\
         [budget]\n\
         # The longest time that one query waits for a lock of the migration.\n\
         blocked_longest_ms = 1_000\n\
         # The longest time in which no read, or no write, completes.\n\
         stall_ms = 1_000\n\
         # Queries of either version that fail from the migration on.\n\
         errors = 0",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn repository() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let sql = "-- +goose Up\nCREATE TABLE a (id int);\n";
        write(root.path(), "db/migrations/001_a.sql", sql);
        write(root.path(), "node_modules/x/migrations/1_a.sql", sql);
        root
    }

    #[test]
    fn the_directory_its_layout_and_the_version_are_found() {
        let root = repository();
        let compose = "services:\n  db:\n    image: 'docker.io/library/postgres:16.4-alpine'\n";
        write(root.path(), "docker-compose.yml", compose);
        write(
            root.path(),
            ".github/workflows/ci.yml",
            "image: postgres:13\n",
        );
        let findings = look(root.path(), &cli::Init::default()).unwrap();
        let expected = Findings {
            migrations: "db/migrations".into(),
            layout: Layout::Goose,
            count: 1,
            postgres: Some((16, "docker-compose.yml".into())),
        };
        assert_eq!(findings, expected);
        let text = to_toml(&findings);
        let written: crate::plan::repository::RepositoryFile = toml::from_str(&text).unwrap();
        assert_eq!(written.migrations.as_deref(), Some("db/migrations"));
        assert_eq!(written.layout.as_deref(), Some("goose"));
        assert_eq!(written.postgres, [16]);
    }

    #[test]
    fn none_and_several_are_told_with_a_way_out() {
        let none = tempfile::tempdir().unwrap();
        let problem = look(none.path(), &cli::Init::default())
            .unwrap_err()
            .to_string();
        assert!(problem.contains("no directory of migrations"), "{problem}");
        let root = repository();
        let sql = "-- +goose Up\nCREATE TABLE b (id int);\n";
        write(root.path(), "other/migrations/001_b.sql", sql);
        let problem = look(root.path(), &cli::Init::default())
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains("db/migrations (goose), other/migrations (goose)"),
            "{problem}"
        );
        let named = cli::Init {
            migrations: Some("other/migrations".into()),
            ..cli::Init::default()
        };
        assert!(look(root.path(), &named).is_ok());
    }

    const SQL: &str = "CREATE TABLE a (id int);\n";
    const GOOSE: &str = "-- +goose Up\nCREATE TABLE a (id int);\n";

    /// Of these files the migrations are those in this directory.
    fn finds(files: &[(&str, &str)], expected: &str) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            write(root.path(), path, text);
        }
        let found = look(root.path(), &cli::Init::default()).unwrap();
        assert_eq!(found.migrations, Path::new(expected), "{files:?}");
    }

    #[test]
    fn what_is_for_another_database_system_is_passed_over() {
        for (files, expected) in [
            // Other database systems, by name and by what their scripts say.
            (
                vec![
                    ("jdbc-mysql/migrations/V1__a.sql", SQL),
                    ("jdbc-postgres/migrations/V1__a.sql", SQL),
                ],
                "jdbc-postgres/migrations",
            ),
            (
                vec![
                    ("migrations/mysql/1_a.sql", GOOSE),
                    ("migrations/postgres/1_a.sql", GOOSE),
                ],
                "migrations/postgres",
            ),
            (
                vec![
                    (
                        "cache/migrations/1_a.sql",
                        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);",
                    ),
                    ("migrations/1_a.sql", SQL),
                ],
                "migrations",
            ),
            (
                vec![
                    (
                        "metrics/migrations/1_a.sql",
                        "CREATE TABLE a (id UInt8)\n engine = MergeTree",
                    ),
                    ("api/migrations/1_a.sql", SQL),
                ],
                "api/migrations",
            ),
        ] {
            finds(&files, expected);
        }
    }

    #[test]
    fn of_several_directories_the_one_that_is_plainly_meant_is_taken() {
        for (files, expected) in [
            // A tool's before plain ones, tests' never, and what is named after Postgres.
            (
                vec![
                    ("db/data-migrations/a.sql", SQL),
                    ("db/migrations/1_a.sql", GOOSE),
                ],
                "db/migrations",
            ),
            (
                vec![
                    ("tool/test_migrations/1_a.sql", GOOSE),
                    ("db/migrations/1_a.sql", GOOSE),
                ],
                "db/migrations",
            ),
            (
                vec![
                    ("client/migrations/1_a.sql", GOOSE),
                    ("server-postgres/migrations/1_a.sql", GOOSE),
                ],
                "server-postgres/migrations",
            ),
            // What lies deeper than migrations do.
            (
                vec![
                    ("data_migrations/x/2024/a.sql", SQL),
                    ("db/migrations/1_a.sql", GOOSE),
                ],
                "db/migrations",
            ),
            // Directories that tools name as they like, by what is in them.
            (vec![("sql/V1__a.sql", SQL)], "sql"),
            (vec![("schema/1_a.up.sql", SQL)], "schema"),
        ] {
            finds(&files, expected);
        }
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_not_passed_over_for_another() {
        let root = repository();
        write(root.path(), "api/migrations/meta/_journal.json", "{}");
        write(root.path(), "api/migrations/0000_a.sql", "SELECT 1;");
        let problem = look(root.path(), &cli::Init::default())
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains("api/migrations (drizzle, with mistakes), db/migrations (goose)"),
            "{problem}"
        );
    }

    #[test]
    fn images_are_read_in_their_spellings() {
        for (text, major) in [
            ("image: postgres:15", Some("15")),
            ("- postgres:14.2-bullseye", Some("14")),
            ("postgis/postgis:16-3.4", Some("16")),
            ("timescale/timescaledb:latest-pg17", Some("17")),
            ("pgvector/pgvector:pg16", Some("16")),
            ("postgres:latest", None),
            ("postgres://u:p@host:5432/db", None),
            ("postgres:5432", None),
        ] {
            let found = IMAGE.captures(text).map(|found| found[1].to_owned());
            assert_eq!(found.as_deref(), major, "{text}");
        }
    }
}
