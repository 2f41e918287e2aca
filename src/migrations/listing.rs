//! What stands in a directory of migrations, and what its repository says about the tool.

use std::fs;
use std::path::{Path, PathBuf};

use crate::input::Problem;

/// Files beside migrations that are none.
const BESIDE: [&str; 10] = [
    "atlas.sum",
    "atlas.hcl",
    "diesel.toml",
    "flyway.conf",
    "flyway.toml",
    "migration_lock.toml",
    "refinery.toml",
    "sqitch.conf",
    "sqitch.plan",
    "liquibase.properties",
];

/// How many directories above are looked at where no repository is found.
const ABOVE_MAX: usize = 3;

/// How many directories lie below each other at most.
const DEPTH_MAX: usize = 8;

/// A directory and the names in it that may be migrations, in order.
#[derive(Clone, Debug)]
pub struct Listing {
    pub dir: PathBuf,
    pub files: Vec<String>,
    /// Files in a programming language. None of them is in `files`.
    pub code: Vec<String>,
    pub dirs: Vec<String>,
    /// The directory and those above it, up to the root of its repository.
    places: Vec<PathBuf>,
}

impl Listing {
    pub fn of(dir: &Path) -> Result<Listing, Problem> {
        if dir.is_file() {
            return Err(Problem::file(dir, "a file, where a directory is wanted"));
        }
        let (mut files, mut code, mut dirs) = (Vec::new(), Vec::new(), Vec::new());
        for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
            let entry = entry.map_err(|error| unreadable(dir, &error))?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(Problem::file(entry.path(), "its name is not UTF-8"));
            };
            if entry.path().is_dir() {
                if !name.starts_with('.') && name != "meta" && name != "node_modules" {
                    dirs.push(name);
                }
            } else if is_code(&name) {
                code.push(name);
            } else if !is_beside(&name) {
                files.push(name);
            }
        }
        files.sort();
        code.sort();
        dirs.sort();
        Ok(Listing {
            dir: dir.to_owned(),
            files,
            code,
            dirs,
            places: places(dir),
        })
    }

    /// The directory of this name in it.
    pub fn within(&self, name: &str) -> Result<Listing, Problem> {
        Listing::of(&self.dir.join(name))
    }

    /// The files of the directory and of all below it, as paths relative to it, in order.
    pub fn files_below(&self) -> Result<Vec<String>, Problem> {
        self.below(|listing| &listing.files)
    }

    /// As [`Listing::files_below`], the files in a programming language.
    pub fn code_below(&self) -> Result<Vec<String>, Problem> {
        self.below(|listing| &listing.code)
    }

    fn below(&self, of: fn(&Listing) -> &Vec<String>) -> Result<Vec<String>, Problem> {
        let mut found = Vec::new();
        self.collect(of, "", 0, &mut found)?;
        found.sort();
        Ok(found)
    }

    fn collect(
        &self,
        of: fn(&Listing) -> &Vec<String>,
        prefix: &str,
        depth: usize,
        found: &mut Vec<String>,
    ) -> Result<(), Problem> {
        if depth > DEPTH_MAX {
            return Err(Problem::file(
                &self.dir,
                "too many directories in each other",
            ));
        }
        found.extend(of(self).iter().map(|file| format!("{prefix}{file}")));
        for dir in &self.dirs {
            let inner = self.within(dir)?;
            inner.collect(of, &format!("{prefix}{dir}/"), depth + 1, found)?;
        }
        Ok(())
    }

    /// The text of a file, named relative to the directory.
    pub fn text(&self, file: &str) -> Result<String, Problem> {
        let path = self.dir.join(file);
        fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))
    }

    pub fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// The names of its SQL files.
    pub fn sql(&self) -> impl Iterator<Item = &str> {
        let names = self.files.iter().map(String::as_str);
        names.filter(|name| name.ends_with(".sql"))
    }

    /// Whether a line of any of its SQL files is such a one.
    pub fn any_line(&self, is_such: impl Fn(&str) -> bool) -> bool {
        // What cannot be read is told by whoever reads it in earnest.
        self.sql()
            .filter_map(|name| self.text(name).ok())
            .any(|text| text.lines().any(&is_such))
    }

    /// The file of this name in the directory or in one above it, and how many directories above.
    pub fn nearest(&self, name: &str) -> Option<(usize, PathBuf)> {
        let paths = self.places.iter().map(|place| place.join(name));
        paths.enumerate().find(|(_, path)| path.exists())
    }

    /// The nearest `Cargo.toml` that names a crate among its dependencies.
    pub fn nearest_crate(&self, name: &str) -> Option<usize> {
        self.places.iter().position(|place| {
            let text = fs::read_to_string(place.join("Cargo.toml")).unwrap_or_default();
            text.lines().any(|line| names_crate(line.trim(), name))
        })
    }
}

/// `sqlx = …`, `sqlx.workspace = true`, `[dependencies.sqlx]`.
fn names_crate(line: &str, name: &str) -> bool {
    let key = line.strip_prefix(name).unwrap_or_default();
    key.trim_start().starts_with(['=', '.']) || line.ends_with(&format!("dependencies.{name}]"))
}

fn is_beside(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with('.')
        || lower.starts_with("readme")
        || lower.starts_with("license")
        || lower.ends_with(".md")
        || lower.ends_with(".lock")
        || BESIDE.contains(&name)
}

fn is_code(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let code = [
        "go", "py", "rs", "ts", "js", "mjs", "cjs", "java", "kt", "rb", "php", "ex", "exs", "cs",
    ];
    extension.is_some_and(|extension| code.contains(&extension))
}

fn places(dir: &Path) -> Vec<PathBuf> {
    let Ok(dir) = dir.canonicalize() else {
        return vec![dir.to_owned()];
    };
    let above = dir.ancestors().map(Path::to_owned);
    let root = dir
        .ancestors()
        .position(|place| place.join(".git").exists());
    above.take(root.unwrap_or(ABOVE_MAX) + 1).collect()
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Problem::file(path, "no such file or directory");
    }
    Problem::file(path, format!("cannot read it: {error}"))
}
