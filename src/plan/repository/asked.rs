//! What `pgrehearse.toml` and the arguments ask for, the latter first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::RepositoryFile;
use super::rehearsed::Rehearsed;
use super::targets::Targets;
use crate::cli;
use crate::input::{Document, Place, Problem, Problems};
use crate::migrations::{Directory, Layout};
use crate::plan::scenario::{AppFile, WorkloadFile};
use crate::plan::{FIRST_APP, duration, pgbench, written};
use crate::rehearse::workload::Command;
use crate::seed::Dataset;
use crate::seed::dataset::Migrations;

/// Nobody waits longer for a command that hangs.
const COMMAND_LIMIT: Duration = Duration::from_secs(30 * 60);

/// What was typed, and what is written.
pub(super) struct Asked<'a> {
    pub(super) base: &'a Path,
    pub(super) typed: &'a cli::Repository,
    pub(super) written: &'a RepositoryFile,
    pub(super) root: &'a Place<'a>,
}

/// A value, and where a mistake in it is.
struct Said<T> {
    value: T,
    problem: Box<dyn Fn(String) -> Problem>,
}

impl Asked<'_> {
    /// What was typed, or else what is written under the same name.
    fn said(
        &self,
        key: &'static str,
        typed: Option<&Path>,
        written: Option<&str>,
    ) -> Option<Said<PathBuf>> {
        if let Some(typed) = typed {
            let (argument, typed) = (format!("--{}", key.replace('_', "-")), typed.to_owned());
            return Some(Said {
                value: self.base.join(&typed),
                problem: Box::new(move |message| {
                    Problem::argument(&argument, typed.display(), message)
                }),
            });
        }
        let written = written?;
        let wrong = self.root.at(key).problem("");
        Some(Said {
            value: self.base.join(written),
            problem: Box::new(move |message| Problem {
                message,
                ..wrong.clone()
            }),
        })
    }

    pub(super) fn is_for_migrations(&self) -> bool {
        self.typed.migrations.is_some() || self.written.migrations.is_some()
    }

    fn command_line(&self) -> Option<&String> {
        self.typed
            .command
            .as_ref()
            .or(self.written.command.as_ref())
    }

    pub(super) fn command(&self, problems: &mut Vec<Problem>) -> Option<Command> {
        let line = self.command_line()?;
        let limit = match (&self.typed.command_limit, self.written.command_limit) {
            (Some(typed), _) => duration::parse(typed).or_else(|| {
                let problem = Problem::argument("--command-limit", typed, "not a duration");
                problems.push(problem.hint("write it as 90s or 10m"));
                None
            })?,
            (None, Some(written)) => written.0,
            (None, None) => COMMAND_LIMIT,
        };
        Some(Command {
            line: line.clone(),
            dir: match self.base.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => self.base.to_owned(),
            },
            limit,
        })
    }

    pub(super) fn directory(&self, problems: &mut Vec<Problem>) -> Option<Directory> {
        let (typed, written) = (self.typed, self.written);
        let dir = self.said(
            "migrations",
            typed.migrations.as_deref(),
            written.migrations.as_deref(),
        );
        let Some(dir) = dir else {
            let problem = self.root.at("migrations").problem("no directory is named");
            problems.push(problem.hint("write migrations = \"db/migrations\""));
            return None;
        };
        let layout = match typed.layout.as_ref().or(written.layout.as_ref()) {
            None => None,
            Some(name) => match name.parse::<Layout>() {
                Ok(layout) => Some(layout),
                Err(_) => {
                    let known: Vec<String> = Layout::ALL.iter().map(Layout::to_string).collect();
                    let message = "no such layout";
                    let problem = match typed.layout {
                        Some(_) => Problem::argument("--layout", name, message),
                        None => self.root.at("layout").problem(message),
                    };
                    let hint = format!("there are: {}", known.join(", "));
                    problems.push(
                        problem
                            .hint(hint)
                            .meant(name, known.iter().map(String::as_str)),
                    );
                    return None;
                }
            },
        };
        if !dir.value.is_dir() {
            let message = match dir.value.exists() {
                true => "this is no directory",
                false => "no such directory",
            };
            problems.push((dir.problem)(message.to_owned()));
            return None;
        }
        let read = Directory::read(&dir.value, layout);
        read.map_err(|Problems(found)| problems.extend(found)).ok()
    }

    pub(super) fn targets(
        &self,
        directory: &Directory,
        problems: &mut Vec<Problem>,
    ) -> Option<Targets> {
        let (typed, written) = (self.typed, self.written);
        let seed_at = match (&typed.seed_at, &written.seed_at) {
            (Some(version), _) => Some((
                version,
                Problem::argument("--seed-at", version, "no migration before has this version"),
            )),
            (None, Some(version)) => Some((
                version,
                self.root
                    .at("seed_at")
                    .problem("no migration before has this version"),
            )),
            (None, None) => None,
        };
        if self.typed.since.is_none() && self.command_line().is_none() {
            let newest = directory.refuse_code(|file| directory.is_newest(file));
            newest.map_err(|problem| problems.push(problem)).ok()?;
        }
        let chosen = Targets::choose(directory, typed.since.as_deref(), seed_at);
        chosen.map_err(|problem| problems.push(problem)).ok()
    }

    /// What the migrations before make, or what is there in their place.
    pub(super) fn dataset(
        &self,
        rehearsed: &Rehearsed,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        let said = self.said(
            "base",
            self.typed.base.as_deref(),
            self.written.base.as_deref(),
        );
        let Some(said) = said else {
            let (Some(directory), Some(targets)) = (&rehearsed.directory, &rehearsed.targets)
            else {
                let message = "what the command is to find in the database is not said";
                let problem = Problem::new(message);
                problems.push(problem.hint("give --base, a schema or a dump, or --migrations DIR"));
                return None;
            };
            if rehearsed.command.is_some() && directory.layout == Layout::Sqitch {
                let message = "Sqitch takes up only what it has deployed itself";
                let problem = Problem::file(&directory.dir, message);
                problems.push(problem.hint("give --base, a dump with the schema sqitch in it"));
                return None;
            }
            let migrations = Migrations {
                dir: directory.dir.clone(),
                before: targets.before.clone(),
                after: targets.between.clone(),
                in_code: directory.in_code.clone(),
            };
            let name = directory.dir.display().to_string();
            return Some(Dataset::of_migrations(name, migrations));
        };
        if !said.value.exists() {
            problems.push((said.problem)("no such file".to_owned()));
            return None;
        }
        let read = Dataset::read(&said.value);
        read.map_err(|Problems(found)| problems.extend(found)).ok()
    }

    /// The traffic as it is written, if it is to be, and what is to be said of it. `None` if it cannot be read.
    pub(super) fn workload(
        &self,
        problems: &mut Vec<Problem>,
    ) -> Option<(Option<Document>, Vec<String>)> {
        let written = self.written.workload.iter().map(String::as_str);
        let typed = &self.typed.workload;
        let (names, wrong): (Vec<&str>, _) = match typed.is_empty() {
            true => (written.collect(), self.root.at("workload").problem("")),
            false => {
                let problem = Problem::argument("--workload", typed.join(" "), "");
                (typed.iter().map(String::as_str).collect(), problem)
            }
        };
        let wrong = |message: String| Problem {
            message,
            ..wrong.clone()
        };
        match &names[..] {
            [] => Some((None, Vec::new())),
            [one] if one.ends_with(".toml") => match Document::read(self.base.join(one)) {
                Ok(document) => Some((Some(document), Vec::new())),
                Err(problem) => {
                    problems.push(wrong(problem.message));
                    None
                }
            },
            scripts => {
                let (document, notes) = self.scripts(scripts, wrong, problems)?;
                Some((Some(document), notes))
            }
        }
    }

    /// Scripts of pgbench as one workload.
    fn scripts(
        &self,
        names: &[&str],
        wrong: impl Fn(String) -> Problem,
        problems: &mut Vec<Problem>,
    ) -> Option<(Document, Vec<String>)> {
        let before = problems.len();
        let (mut queries, mut notes) = (Vec::new(), Vec::new());
        for name in names {
            let (path, weight) = pgbench::file_and_weight(name);
            let path = self.base.join(path);
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let problem = wrong("a workload.toml has all of the traffic".to_owned());
                problems.push(problem.hint("name it alone, or scripts of pgbench"));
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => match pgbench::read(&path, &text, weight) {
                    Ok(mut script) => {
                        let stem = path.file_stem().unwrap_or_default().display().to_string();
                        for query in script.queries.iter_mut().filter(|_| names.len() > 1) {
                            query.name = format!("{stem}: {}", query.name);
                        }
                        queries.extend(script.queries);
                        notes.extend(script.notes.iter().map(|note| format!("{name}: {note}")));
                    }
                    Err(Problems(found)) => problems.extend(found),
                },
                Err(error) => {
                    problems.push(wrong(format!("cannot read {}: {error}", path.display())))
                }
            }
        }
        let app = AppFile {
            owner: None,
            extends: None,
            queries,
        };
        let file = WorkloadFile {
            apps: [(FIRST_APP.to_owned(), app)].into(),
        };
        let document = Document::new(names.join(" "), written::to_toml(&file));
        (problems.len() == before).then_some((document, notes))
    }
}
