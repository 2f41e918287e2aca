//! `pgrehearse.toml`: how a repository's own migrations are rehearsed; the same from arguments alone.

mod asked;
mod rehearsed;
mod targets;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::find::Found;
use super::resolve::{Resolved, Typed, Written};
use super::scenario::{AdversaryFile, LoadFile, StepFile, WorkloadFile};
use super::traffic::{WrittenApp, WrittenApps};
use super::{Budget, Derived, SECOND_APP, duration, settings, steps};
use crate::cli;
use crate::input::{Document, Place, Problem};
use crate::rehearse::workload::{Adversary, Step};
use asked::Asked;
use rehearsed::Rehearsed;
use targets::Targets;

/// How long the old and the new version's traffic come side by side, as in a rolling deployment.
const OVERLAP: Duration = Duration::from_secs(2);

/// Where it is looked for.
pub const FILE_NAME: &str = "pgrehearse.toml";

/// How a repository's own migrations are rehearsed. What is typed comes before what is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pgrehearse.toml")]
pub struct RepositoryFile {
    /// The directory of the migrations, relative to this file.
    pub migrations: Option<String>,
    /// A program that migrates, for the shell, in place of the directory's scripts. It runs where this file is, and finds
    /// the server in `DATABASE_URL` and `PG*`.
    pub command: Option<String>,
    /// It is ended after this time. Default: 30m.
    pub command_limit: Option<duration::Written>,
    /// The tool whose layout it has. Default: recognised.
    pub layout: Option<String>,
    /// A schema as SQL, or a dump, in place of the migrations before; relative to this file.
    pub base: Option<String>,
    /// Fill the tables after the migration of this version already. Default: right before what is rehearsed.
    pub seed_at: Option<String>,
    /// The traffic: a workload.toml, relative to this file. Default: derived from the schema.
    pub workload: Option<String>,
    /// Rows of each large table. Default: 1 000 000.
    pub rows: Option<u64>,
    /// Determines data, arrivals and parameters. Default: 42.
    pub seed: Option<u64>,
    /// Major versions of Postgres. Default: whichever there is.
    #[serde(default)]
    pub postgres: Vec<u16>,
    /// The session's `lock_timeout` in milliseconds. Default: none.
    pub lock_timeout_ms: Option<u64>,
    /// How often a migration is tried again after a lock timeout or a deadlock. Default: 0.
    pub retries: Option<u32>,
    /// The pause before the first retry in milliseconds. Default: 100.
    pub backoff_ms: Option<u64>,
    /// How the traffic arrives, and how long each phase lasts.
    #[serde(default)]
    pub load: LoadFile,
    /// What else runs on the database when the first migration starts.
    #[serde(default)]
    #[schemars(with = "Vec<Adversary>")]
    pub adversaries: Vec<AdversaryFile>,
    /// Settings of the server, by name, as in postgresql.conf.
    #[serde(default)]
    pub settings: BTreeMap<String, settings::Written>,
    /// Limits that the report must keep.
    #[serde(default)]
    pub budget: Budget,
}

/// The JSON Schema of `pgrehearse.toml`.
pub fn repository_schema() -> serde_json::Value {
    schemars::schema_for!(RepositoryFile).to_value()
}

/// A repository's file and the directory it stands in.
pub(super) struct Repository {
    document: Document,
    pub(super) file: RepositoryFile,
}

/// Whether a repository's migrations are meant: where `--migrations` is typed, or where nothing is and there is a
/// `pgrehearse.toml`.
pub(super) fn is_meant(base: &Path, args: &cli::Run) -> bool {
    let is_other = !args.scenarios.is_empty() || args.all || args.list || args.only.is_some();
    let typed = &args.repository;
    typed.migrations.is_some()
        || typed.command.is_some()
        || !is_other && base.join(FILE_NAME).is_file()
}

/// The repository whose migrations are meant, if any are.
pub(super) fn meant(
    base: &Path,
    args: &cli::Run,
    problems: &mut Vec<Problem>,
) -> Option<Repository> {
    if !is_meant(base, args) {
        return None;
    }
    let path = base.join(FILE_NAME);
    let document = match path.is_file() {
        true => Document::read(&path).map_err(|problem| problems.push(problem)),
        false => Ok(Document::new(path, "")),
    };
    let document = document.ok()?;
    let file = document.parse(problems)?;
    Some(Repository { document, file })
}

impl Repository {
    /// Reads the migrations and decides what of them is rehearsed. `None` if too little could be read; whatever is wrong
    /// is in `problems`.
    pub(super) fn resolve(
        self,
        base: &Path,
        args: &cli::Run,
        typed: &Typed,
        problems: &mut Vec<Problem>,
    ) -> Option<(Found, Resolved, Option<Derived>)> {
        let root = self.document.root();
        let asked = Asked {
            base,
            typed: &args.repository,
            written: &self.file,
            root: &root,
        };
        let command = asked.command(problems);
        let directory = match asked.is_for_migrations() || command.is_none() {
            true => Some(asked.directory(problems)?),
            false => None,
        };
        let targets = match &directory {
            Some(directory) => Some(asked.targets(directory, problems)?),
            None => None,
        };
        let rehearsed = Rehearsed {
            directory,
            targets,
            command,
        };
        let dataset = asked.dataset(&rehearsed, problems);
        let (workload, notes) = asked.workload(problems)?;
        let apps = workload.as_ref().map_or_else(
            || Some(WrittenApps::new()),
            |document| written_apps(document, problems),
        )?;
        let mut steps = self.steps(&rehearsed, &root, problems);
        if workload.is_none() || apps.contains_key(SECOND_APP) {
            steps.push(Step::Deploy {
                app: SECOND_APP.to_owned(),
                overlap: OVERLAP,
            });
        }
        let derived = workload.is_none().then(|| Derived {
            migrations: rehearsed.migrations().to_owned(),
            command: rehearsed.command.clone(),
            write_to: args.repository.write_workload.clone(),
        });
        let written = Written {
            title: rehearsed.title(),
            about: [vec![rehearsed.about(dataset.as_ref())], notes]
                .concat()
                .join("\n\n"),
            dataset,
            rows: self.file.rows,
            seed: self.file.seed,
            load: self.file.load,
            has_all_apps: workload.is_some(),
            apps,
            adversaries: self.file.adversaries,
            settings: self.file.settings,
            budget: self.file.budget,
            root,
        };
        let resolved = written.resolve(args, typed, |_, _| steps, problems)?;
        let found = Found {
            name: rehearsed.name(),
            dir: rehearsed
                .directory
                .map_or(base.to_owned(), |directory| directory.dir),
        };
        Some((found, resolved, derived))
    }

    /// One step for each migration, or for all that their tool runs in one transaction, or for the command.
    fn steps(
        &self,
        rehearsed: &Rehearsed,
        root: &Place<'_>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Step> {
        let locking = StepFile {
            migrate: Some(String::new()),
            lock_timeout_ms: self.file.lock_timeout_ms,
            retries: self.file.retries,
            backoff_ms: self.file.backoff_ms,
            ..StepFile::default()
        };
        problems.extend(steps::check_locking(&locking, root).err());
        if let Some(command) = &rehearsed.command {
            return vec![Step::Command(command.clone())];
        }
        let mut steps = Vec::new();
        for (path, script) in rehearsed.targets.iter().flat_map(Targets::scripts) {
            match script {
                Ok(script) => {
                    let migrate = steps::with_locking(script, &locking);
                    steps.push(Step::Migrate(migrate));
                }
                Err(error) => problems.push(steps::unusable(path, &error)),
            }
        }
        steps
    }
}

fn written_apps<'d>(
    document: &'d Document,
    problems: &mut Vec<Problem>,
) -> Option<WrittenApps<'d>> {
    let file: WorkloadFile = document.parse(problems)?;
    let place = document.root().at("apps");
    let written = |(name, file): (String, _)| {
        let place = place.at(name.as_str());
        (name, WrittenApp { file, place })
    };
    Some(file.apps.into_iter().map(written).collect())
}
