//! A directory of migrations: which tool's layout it has, and what it holds.

use std::path::{Path, PathBuf};

use super::LAYOUTS;
use super::layouts::{Fit, Layout};
use super::listing::Listing;
use super::script::{Around, Script, ScriptError, Transaction};
use crate::input::{Problem, Problems};

/// All migrations of a directory, in the order in which the tool runs them.
#[derive(Clone, Debug)]
pub struct Directory {
    pub layout: Layout,
    /// Where the migrations are: the directory that was named, or one in it.
    pub dir: PathBuf,
    pub migrations: Vec<Migration>,
    /// Migrations in a programming language, which do not run here.
    pub in_code: Vec<PathBuf>,
}

/// One migration.
#[derive(Clone, Debug)]
pub struct Migration {
    /// As the tool keeps it in its own table: `20240101120000`, `0003`, `author:id`.
    pub version: String,
    /// Its path relative to the directory, and for one of several in a file what tells them apart.
    pub name: String,
    pub up: Part,
    pub down: Option<Part>,
    /// Run again whenever it changes, as Flyway's R scripts are.
    pub is_repeatable: bool,
}

/// One direction of a migration.
#[derive(Clone, Debug)]
pub struct Part {
    pub path: PathBuf,
    /// What reports call it: as [`Migration::name`].
    pub name: String,
    /// What the tool sends. Line n of it is line n of the file: what belongs to another part is left blank.
    pub text: String,
    /// The rule that the tool decides on; `None` for what the statements ask for.
    pub transaction: Option<Transaction>,
    pub around: Around,
}

impl Directory {
    /// Reads all migrations of a directory by the rules of this layout, or of the one that it is recognised as.
    ///
    /// Fails for a directory that is missing or empty, one that several layouts fit equally, and for each
    /// file that the layout has no rule for.
    pub fn read(dir: &Path, layout: Option<Layout>) -> Result<Directory, Problems> {
        let listing = Listing::of(dir)?;
        let (layout, listing) = recognise(listing, layout)?;
        let migrations = (layout.rules().read)(&listing)?;
        if migrations.is_empty() {
            let message = format!("there is no migration of {layout} in it");
            return Err(Problem::file(&listing.dir, message).into());
        }
        let in_code = listing.code_below()?;
        let in_code = in_code.iter().filter(|file| is_numbered(file));
        Ok(Directory {
            layout,
            migrations,
            in_code: in_code.map(|file| listing.dir.join(file)).collect(),
            dir: listing.dir,
        })
    }

    /// The layout that a directory is recognised as, whatever mistakes are in it.
    pub fn layout(dir: &Path) -> Option<Layout> {
        let recognised = Listing::of(dir).and_then(|listing| recognise(listing, None));
        recognised.ok().map(|(layout, _)| layout)
    }

    /// What is wrong if one of these, which are to be rehearsed, is in a programming language.
    pub fn refuse_code(&self, is_rehearsed: impl Fn(&Path) -> bool) -> Result<(), Problem> {
        let mut within = self.in_code.iter();
        let found = within.find(|path| is_rehearsed(path.strip_prefix(&self.dir).unwrap_or(path)));
        found.map_or(Ok(()), |path| Err(refused(path)))
    }

    /// Whether a file of the directory comes after all migrations that run here.
    pub fn is_newest(&self, file: &Path) -> bool {
        let versioned = self.migrations.iter().filter(|one| !one.is_repeatable);
        let newest = versioned.map(|one| numbers(&one.name)).max();
        newest.is_some_and(|newest| numbers(&file.to_string_lossy()) > newest)
    }
}

fn refused(path: &Path) -> Problem {
    Problem::file(path, "a migration in code, which does not run here")
        .hint("let the tool itself run it with --command")
}

/// Whether a path begins as migrations do: `0003_a.go`, `V3__A.java`, `0003_a/migration.ts`. Other code is a helper.
fn is_numbered(file: &str) -> bool {
    let is_test = file.ends_with("_test.go") || file.contains(".test.");
    let start = file.strip_prefix('V').unwrap_or(file);
    start.starts_with(|letter: char| letter.is_ascii_digit()) && !is_test
}

/// The numbers that a name begins with: 1, 2 of `V1_2__a.sql`.
fn numbers(name: &str) -> Vec<u128> {
    let name = name
        .rsplit_once('/')
        .map_or(name, |(dir, file)| match is_numbered(file) {
            true => file,
            false => dir,
        });
    let start = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let words = start.split(['.', '_', '-']).map(str::parse);
    words.map_while(Result::ok).collect()
}

impl Part {
    /// Its statements, and how they are run.
    pub fn script(&self) -> Result<Script, ScriptError> {
        let mut script = Script::parse(&self.text, &self.path, &self.name)?;
        if let Some(transaction) = self.transaction {
            script.transaction = transaction;
        }
        script.around = self.around.clone();
        Ok(script)
    }
}

/// The layout of the directory, or of the only one in it that has any.
fn recognise(listing: Listing, wanted: Option<Layout>) -> Result<(Layout, Listing), Problem> {
    if let Some(layout) = layout_of(&listing, wanted)? {
        return Ok((layout, listing));
    }
    let mut inner = Vec::new();
    for name in &listing.dirs {
        let within = listing.within(name)?;
        if let Some(layout) = layout_of(&within, wanted)? {
            inner.push((layout, within));
        }
    }
    let dir = &listing.dir;
    match (inner.len(), wanted) {
        (1, _) => Ok(inner.remove(0)),
        (0, Some(layout)) => Ok((layout, listing)),
        (0, None) => Err(match listing.code.first() {
            Some(name) => refused(&dir.join(name)),
            None => Problem::file(dir, "there is no migration in it")
                .hint("name the directory that holds the SQL files"),
        }),
        _ => {
            let names = inner
                .iter()
                .map(|(layout, within)| format!("{} ({layout})", within.dir.display()));
            let message = format!(
                "several directories in it hold migrations: {}",
                names.collect::<Vec<_>>().join(", ")
            );
            Err(Problem::file(dir, message).hint("name one of them"))
        }
    }
}

/// The layout that fits best, if any does.
fn layout_of(listing: &Listing, wanted: Option<Layout>) -> Result<Option<Layout>, Problem> {
    let fits: Vec<(Fit, Layout)> = LAYOUTS
        .iter()
        .filter(|rules| wanted.is_none_or(|layout| layout == rules.layout))
        .filter_map(|rules| Some(((rules.fits)(listing)?, rules.layout)))
        .collect();
    let Some(best) = fits.iter().map(|(fit, _)| *fit).max() else {
        return Ok(None);
    };
    if wanted.is_none() && best == Fit::Shape {
        return Ok(Some(Layout::Plain));
    }
    let mut tied = fits.iter().filter(|(fit, _)| *fit == best);
    let layout = tied.next().map(|(_, layout)| *layout);
    if let (Some(first), Some((_, second))) = (layout, tied.next()) {
        let message = format!("it could be a directory of {first} or of {second}");
        return Err(Problem::file(&listing.dir, message).hint(format!(
            "say which with --layout {first} or --layout {second}"
        )));
    }
    Ok(layout)
}

#[cfg(test)]
mod tests;
