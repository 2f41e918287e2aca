//! Finds an installed PostgreSQL: a directory that holds both `initdb` and `postgres`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::input::Problem;
use crate::postgres::version::OLDEST_SUPPORTED;
use crate::provision::Error;

/// An installation of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u16,
}

/// Directories whose children are named after a version, and the way from a child to its programs.
const VERSIONED: [(&str, &str, &str); 8] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/usr/local", "pgsql", "bin"),
];

impl Binaries {
    /// The programs in `bindir`, or else the first on PATH, or else the newest of the usual places.
    pub(super) fn find(bindir: Option<&Path>, major: Option<u16>) -> Result<Binaries, Error> {
        if let Some(bindir) = bindir {
            return in_bindir(bindir, major);
        }
        let found: Vec<Binaries> = on_path().into_iter().chain(in_usual_places()).collect();
        let fits = |b: &&Binaries| match major {
            Some(major) => b.major == major,
            None => b.major >= OLDEST_SUPPORTED,
        };
        match found.iter().find(fits) {
            Some(binaries) => Ok(binaries.clone()),
            None => Err(none_of(&found, major)),
        }
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A client program of at least this version: the oldest there is, on PATH or in the usual places.
pub(in crate::provision) fn client_program(name: &str, at_least: u16) -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<(u16, PathBuf)> = std::env::split_paths(&path)
        .chain(usual_places())
        .map(|dir| dir.join(name))
        .filter(|program| program.is_file())
        .filter_map(|program| {
            let line = first_line(Command::new(&program).arg("--version"))?;
            Some((major_of(&line)?, program))
        })
        .collect();
    found.sort();
    found.dedup();
    let fits = found.iter().find(|(major, _)| *major >= at_least);
    if let Some((_, program)) = fits {
        return Ok(program.clone());
    }
    let have: Vec<String> = found
        .iter()
        .map(|(major, program)| format!("{major} in {}", program.display()))
        .collect();
    let have = match have.is_empty() {
        true => "none on PATH or where packages put it".to_owned(),
        false => format!("found {}", have.join(", ")),
    };
    Err(Error::Program {
        program: name.to_owned(),
        output: format!(
            "the server needs that of PostgreSQL {at_least} or newer ({have}); install PostgreSQL's client programs, \
             e.g. apt-get install postgresql-client-{at_least}"
        ),
    })
}

fn in_bindir(bindir: &Path, major: Option<u16>) -> Result<Binaries, Error> {
    let problem =
        |text: String| Error::argument(Problem::argument("--bindir", bindir.display(), text));
    let binaries = look_into(bindir).ok_or_else(|| {
        problem("does not hold both `initdb` and a `postgres` that runs".to_owned())
    })?;
    match major {
        Some(major) if major != binaries.major => Err(problem(format!(
            "holds PostgreSQL {}, but {major} is asked for",
            binaries.major
        ))),
        _ => Ok(binaries),
    }
}

fn on_path() -> Vec<Binaries> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter_map(|dir| look_into(&dir))
        .collect()
}

/// Newest first.
fn in_usual_places() -> Vec<Binaries> {
    let mut found: Vec<Binaries> = usual_places().filter_map(|dir| look_into(&dir)).collect();
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    found
}

fn usual_places() -> impl Iterator<Item = PathBuf> {
    VERSIONED
        .iter()
        .flat_map(|(parent, prefix, programs)| {
            children(Path::new(parent), prefix)
                .into_iter()
                .map(move |child| child.join(programs))
        })
        .chain(named_by_pg_config())
}

fn children(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = parent.read_dir() else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}

fn named_by_pg_config() -> Option<PathBuf> {
    let line = first_line(Command::new("pg_config").arg("--bindir"))?;
    Some(PathBuf::from(line))
}

/// What is on PATH is often a link, with `initdb` only where it points to.
fn look_into(dir: &Path) -> Option<Binaries> {
    let postgres = dir.join("postgres").canonicalize().ok()?;
    let dir = postgres.parent()?.to_owned();
    if !dir.join("initdb").is_file() {
        return None;
    }
    let line = first_line(Command::new(&postgres).arg("--version"))?;
    let major = major_of(&line)?;
    Some(Binaries { dir, major })
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` or `… 18beta1`.
fn major_of(line: &str) -> Option<u16> {
    let version = line.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn none_of(found: &[Binaries], major: Option<u16>) -> Error {
    let wanted = match major {
        Some(major) => format!("PostgreSQL {major}"),
        None => format!("PostgreSQL {OLDEST_SUPPORTED} or newer"),
    };
    // The same one may be found in several ways.
    let have: BTreeSet<String> = found
        .iter()
        .map(|b| format!("{} in {}", b.major, b.dir.display()))
        .collect();
    let have: Vec<String> = have.into_iter().collect();
    let have = match have.is_empty() {
        true => "no `initdb` and `postgres` on PATH or where packages put them".to_owned(),
        false => format!("found {}", have.join(", ")),
    };
    Error::NoProvider {
        tried: format!("{wanted} is not installed ({have})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)";
        assert_eq!(major_of(debian), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 19devel"), Some(19));
        assert_eq!(major_of("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(major_of("usage: postgres"), None);
    }

    #[test]
    fn a_link_to_postgres_leads_to_where_initdb_is() {
        let real = fake_installation("15.4");
        let path = tempfile::tempdir().unwrap();
        let link = path.path().join("postgres");
        std::os::unix::fs::symlink(real.path().join("postgres"), link).unwrap();
        let found = look_into(path.path()).unwrap();
        assert_eq!(found.dir, real.path().canonicalize().unwrap());
        assert_eq!(found.major, 15);
    }

    #[test]
    fn a_wrapper_without_initdb_beside_it_is_passed_over() {
        let dir = fake_installation("15.4");
        std::fs::remove_file(dir.path().join("initdb")).unwrap();
        assert_eq!(look_into(dir.path()), None);
        let error = Binaries::find(Some(dir.path()), None).unwrap_err();
        assert!(error.is_bad_input());
        assert!(error.to_string().starts_with("--bindir = "), "{error}");
    }

    #[test]
    fn another_major_than_asked_for_is_named() {
        let dir = fake_installation("14.2");
        let error = Binaries::find(Some(dir.path()), Some(15)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.ends_with("holds PostgreSQL 14, but 15 is asked for"),
            "{text}"
        );
    }

    #[test]
    fn a_major_that_is_not_installed_is_the_environments_fault() {
        let error = Binaries::find(None, Some(12)).unwrap_err();
        assert!(!error.is_bad_input());
        assert!(error.to_string().contains("PostgreSQL 12"), "{error}");
    }

    fn fake_installation(version: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for name in ["initdb", "postgres"] {
            let path = dir.path().join(name);
            let script = format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n");
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        dir
    }
}
