//! Which migrations are rehearsed, and which make what they are rehearsed on.

use std::path::Path;

use crate::input::Problem;
use crate::migrations::{Directory, Migration, Part, Script, ScriptError, Transaction};
use crate::plan::since;

/// Shorter than what every file system takes.
const FILE_NAME_CHARS_MAX: usize = 100;

/// The migrations of a directory, each in its role and in their tool's order.
#[derive(Debug)]
pub(super) struct Targets {
    /// They make the tables that are filled.
    pub(super) before: Vec<Part>,
    /// They run once the tables are filled, before what is rehearsed.
    pub(super) between: Vec<Part>,
    /// Never empty.
    pub(super) rehearsed: Vec<Part>,
}

impl Targets {
    /// The newest migration, or all that came since a commit. `seed_at` is a version, and the mistake if there is none such.
    pub(super) fn choose(
        directory: &Directory,
        since: Option<&str>,
        seed_at: Option<(&String, Problem)>,
    ) -> Result<Targets, Problem> {
        let migrations = &directory.migrations;
        let is_new = match since {
            Some(commit) => added_since(directory, commit)?,
            None => {
                // A script that is run again and again is not what came last.
                let newest = migrations.iter().rposition(|one| !one.is_repeatable);
                let newest = newest.unwrap_or(migrations.len().saturating_sub(1));
                (0..migrations.len()).map(|at| at == newest).collect()
            }
        };
        let (rehearsed, before): (Vec<_>, Vec<_>) =
            migrations.iter().zip(is_new).partition(|(_, new)| *new);
        let parts = |chosen: &[(&Migration, bool)]| -> Vec<Part> {
            chosen.iter().map(|(one, _)| one.up.clone()).collect()
        };
        let filled = match seed_at {
            None => before.len(),
            Some((version, problem)) => {
                let at = before.iter().position(|(one, _)| one.version == *version);
                1 + at.ok_or_else(|| {
                    let known: Vec<&str> = before.iter().map(|(one, _)| &*one.version).collect();
                    problem.hint(format!("there are: {}", known.join(", ")))
                })?
            }
        };
        Ok(Targets {
            before: parts(&before[..filled]),
            between: parts(&before[filled..]),
            rehearsed: parts(&rehearsed),
        })
    }

    /// What is rehearsed, with the files that they come from.
    pub(super) fn scripts(&self) -> Vec<(&Path, Result<Script, ScriptError>)> {
        let first = &self.rehearsed[0];
        if first.transaction == Some(Transaction::AllPending) {
            let scripts: Result<Vec<Script>, _> = self.rehearsed.iter().map(Part::script).collect();
            let joined = scripts.map(|scripts| {
                let mut scripts = scripts.into_iter();
                let first = scripts.next().expect("something is rehearsed");
                scripts.fold(first, Script::join)
            });
            return vec![(first.path.as_path(), joined)];
        }
        let scripts = self.rehearsed.iter();
        scripts
            .map(|part| (part.path.as_path(), part.script()))
            .collect()
    }

    /// What is rehearsed, in words.
    pub(super) fn label(&self) -> String {
        match &self.rehearsed[..] {
            [one] => one.name.clone(),
            [first, .., last] => format!("{} to {}", first.name, last.name),
            [] => String::new(),
        }
    }

    /// The same as the name of a directory.
    pub(super) fn file_name(&self) -> String {
        let stem = |part: &Part| {
            let name = part.name.trim_end_matches(".sql");
            let name = name.trim_end_matches("/up").trim_end_matches("/migration");
            as_file_name(name.trim_end_matches(".up"))
        };
        match &self.rehearsed[..] {
            [one] => stem(one),
            [first, .., last] => format!("{}..{}", stem(first), stem(last)),
            [] => String::new(),
        }
    }
}

/// A text with nothing in it that a file system might mind.
pub(super) fn as_file_name(text: &str) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_alphanumeric() || "._-".contains(letter) => letter,
        _ => '-',
    };
    let name: String = text.chars().take(FILE_NAME_CHARS_MAX).map(letter).collect();
    name.trim_matches(['-', '.']).to_owned()
}

/// For each migration whether its file came since the commit.
fn added_since(directory: &Directory, commit: &str) -> Result<Vec<bool>, Problem> {
    let files = since::files(&directory.dir, commit)?;
    let is_new = |migration: &Migration| {
        let path = &migration.up.path;
        let within = path.strip_prefix(&directory.dir).unwrap_or(path);
        files.contains(within)
    };
    let is_new: Vec<bool> = directory.migrations.iter().map(is_new).collect();
    directory.refuse_code(|file| files.contains(file))?;
    if !is_new.contains(&true) {
        let message = format!("no migration in {} came since", directory.dir.display());
        let problem = Problem::argument("--since", commit, message);
        return Err(problem.hint("there is nothing to rehearse; leave it out for the newest one"));
    }
    Ok(is_new)
}
