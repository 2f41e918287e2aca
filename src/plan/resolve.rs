//! From arguments and files to plans, with all mistakes at once.

use std::collections::BTreeMap;
use std::path::Path;

use super::adversaries::adversaries;
use super::catalogue::Catalogue;
use super::find::{self, Found};
use super::scenario::{
    AdversaryFile, DatasetFile, DatasetOfFile, LoadFile, ScenarioFile, WorkloadFile,
};
use super::seed::default_workers;
use super::steps::{steps, unknown_app};
use super::traffic::{WrittenApp, WrittenApps, apps};
use super::{Derived, FIRST_APP, Plan, arguments, limits, load, repository, settings};
use crate::cli;
use crate::input::{Document, Place, Problem, Problems};
use crate::provision::{Brought, Choice};
use crate::rehearse;
use crate::rehearse::workload::{App, Step};
use crate::seed::context::Context;
use crate::seed::{self, Dataset};

/// Rows of the main table where neither scenario nor argument says.
const ROWS_DEFAULT: u64 = 1_000_000;

impl Plan {
    /// Decides all that `run` needs; scenarios and datasets are looked up from the current directory.
    pub fn resolve(args: &cli::Run) -> Result<Vec<Plan>, Problems> {
        resolve(Path::new(""), args)
    }
}

/// Resolves as if `base` were the current directory.
fn resolve(base: &Path, args: &cli::Run) -> Result<Vec<Plan>, Problems> {
    let mut problems = Vec::new();
    let repository = repository::meant(base, args, &mut problems);
    let mut server = args.server.clone();
    if let (Some(repository), true) = (&repository, server.postgres.is_empty()) {
        server.postgres.clone_from(&repository.file.postgres);
    }
    let mut provision = arguments::provision(&server, &mut problems);
    provision.os_cache = arguments::os_cache(args, provision.choice, &mut problems);
    let majors = arguments::majors(&server, provision.choice, &mut problems);
    let runs = arguments::runs(args, &mut problems);
    if args.rows == Some(0) {
        problems.push(Problem::argument("--rows", 0, "must be at least 1"));
    }
    arguments::out(&args.out, &mut problems);
    let limits = limits::typed(&args.budget, &mut problems);
    let settings = settings::typed(args, provision.choice, &mut problems);
    let typed = Typed {
        choice: provision.choice,
        limits,
        settings,
    };
    let plan = |one: Found, resolved: Resolved, derived: Option<Derived>| Plan {
        out: args.out.join(&one.name),
        name: one.name,
        title: resolved.title,
        about: resolved.about,
        hash: resolved.hash,
        path: one.dir,
        provision: provision.clone(),
        majors: majors.clone(),
        seed: resolved.seed,
        rehearse: resolved.rehearse,
        settings: resolved.settings,
        budget: resolved.budget,
        runs,
        derived,
        against: None,
    };
    let mut plans = Vec::new();
    if let Some(repository) = repository {
        let meant = repository.resolve(base, args, &typed, &mut problems);
        plans.extend(meant.map(|(dir, resolved, derived)| plan(dir, resolved, derived)));
    } else if !repository::is_meant(base, args) {
        let found = find::scenarios(base, args, &mut problems);
        let against = find::against(base, args, &found, &mut problems);
        let mut of_scenario = |one: Found| {
            let resolved = scenario(base, &one, args, &typed, &mut problems)?;
            let path = one.dir.join("scenario.toml");
            Some(plan(Found { dir: path, ..one }, resolved, None))
        };
        plans.extend(found.into_iter().filter_map(&mut of_scenario));
        // The two may be of the same name, and even the same: the one's reports stand below the other's.
        if let (Some(against), [head]) = (against, &mut plans[..]) {
            let out = head.out.join("base");
            let base = of_scenario(against).map(|base| Plan { out, ..base });
            head.against = base.map(Box::new);
        }
    }
    // A dataset's mistakes are those of every scenario that uses it, and are told once.
    let mut told = Vec::new();
    for problem in problems {
        if !told.contains(&problem) {
            told.push(problem);
        }
    }
    match told.is_empty() {
        true => Ok(plans),
        false => Err(Problems(told)),
    }
}

/// What was typed that holds for every scenario, read.
pub(super) struct Typed {
    choice: Choice,
    limits: Vec<limits::Typed>,
    settings: Brought,
}

/// A rehearsal as it is written, in whichever file.
pub(super) struct Written<'d> {
    pub(super) root: Place<'d>,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) dataset: Option<Dataset>,
    pub(super) rows: Option<u64>,
    pub(super) seed: Option<u64>,
    pub(super) load: LoadFile,
    pub(super) apps: WrittenApps<'d>,
    /// All versions could be read, so that one that is missing was not written.
    pub(super) has_all_apps: bool,
    pub(super) adversaries: Vec<AdversaryFile>,
    pub(super) settings: BTreeMap<String, settings::Written>,
    pub(super) budget: super::Budget,
}

/// What one rehearsal contributes to its plan.
pub(super) struct Resolved {
    title: String,
    about: String,
    hash: String,
    seed: seed::Spec,
    rehearse: rehearse::Spec,
    settings: Brought,
    budget: super::Budget,
}

/// Reads and checks one scenario. `None` only if too little of it could be read; whatever is wrong is
/// in `problems`.
fn scenario(
    base: &Path,
    found: &Found,
    args: &cli::Run,
    typed: &Typed,
    problems: &mut Vec<Problem>,
) -> Option<Resolved> {
    let document = collect(Document::read(found.dir.join("scenario.toml")), problems)?;
    let file: ScenarioFile = document.parse(problems)?;
    let root = document.root();
    let dataset = dataset(base, &found.dir, &file, &root.at("dataset"), problems);
    let workload = workload_document(&found.dir, &file, dataset.as_ref(), &root, problems);
    let apps = written_apps(&file, &root, workload.as_ref(), problems);
    let written = Written {
        has_all_apps: workload.is_some() || (dataset.is_some() && file.workload.is_none()),
        title: file.title,
        about: file.about,
        dataset,
        rows: file.rows,
        seed: file.seed,
        load: file.load,
        apps,
        adversaries: file.adversaries,
        settings: file.settings,
        budget: file.budget,
        root: root.clone(),
    };
    let resolve_steps = |apps: &BTreeMap<String, App>, problems: &mut Vec<Problem>| {
        steps(&file.steps, &found.dir, apps, &root.at("steps"), problems)
    };
    written.resolve(args, typed, resolve_steps, problems)
}

impl Written<'_> {
    /// Checks it with what is typed in place of what is written.
    pub(super) fn resolve(
        self,
        args: &cli::Run,
        typed: &Typed,
        steps: impl FnOnce(&BTreeMap<String, App>, &mut Vec<Problem>) -> Vec<Step>,
        problems: &mut Vec<Problem>,
    ) -> Option<Resolved> {
        let root = self.root;
        if self.rows == Some(0) {
            problems.push(root.at("rows").problem("must be at least 1"));
        }
        let dataset = self.dataset;
        if dataset.as_ref().is_some_and(|d| d.snapshot().is_some()) {
            beside_a_snapshot(self.rows, args, &root, problems);
        }
        let default_seed = dataset.as_ref().map_or(0, |dataset| dataset.seed);
        let seed = args.seed.or(self.seed).unwrap_or(default_seed);
        let data = dataset.map(|dataset| seed::Spec {
            dataset,
            rows: args.rows.or(self.rows).unwrap_or(ROWS_DEFAULT).max(1),
            seed,
            workers: default_workers(),
        });
        let dataset = data.as_ref().map(|data| &data.dataset);
        let catalogue = Catalogue::of(dataset.map(|dataset| &dataset.schema));
        // What is inferred is not known before there is a server.
        let described = data.as_ref().filter(|data| !data.dataset.infer);
        let context = described.map(Context::new);
        let protocol = arguments::protocol(args);
        let load = load::load(&self.load, protocol, seed, &root.at("load"), problems);
        let apps = apps(&self.apps, FIRST_APP, catalogue, context.as_ref(), problems);
        if !apps.contains_key(FIRST_APP) && self.has_all_apps {
            let problem = unknown_app(FIRST_APP, &apps, &root.at("apps").at(FIRST_APP));
            problems.push(problem.hint(
                "it is what runs before the migration; the dataset's workload.toml usually has it",
            ));
        }
        let steps = steps(&apps, problems);
        let place = root.at("adversaries");
        let adversaries = adversaries(&self.adversaries, &steps, catalogue, &place, problems);
        let place = root.at("budget");
        let first = apps.get(FIRST_APP);
        let budget = limits::budget(self.budget, &typed.limits, &place, &load, first, problems);
        let place = root.at("settings");
        let settings = settings::brought(
            &self.settings,
            &typed.settings,
            typed.choice,
            &place,
            problems,
        );
        let seed = data?;
        let rehearse = rehearse::Spec {
            load,
            apps,
            first_app: FIRST_APP.to_owned(),
            steps,
            adversaries,
            data: seed.clone(),
        };
        Some(Resolved {
            hash: hash(&rehearse),
            title: self.title,
            about: self.about.trim().to_owned(),
            seed,
            rehearse,
            settings,
            budget,
        })
    }
}

fn dataset(
    base: &Path,
    dir: &Path,
    file: &ScenarioFile,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Dataset> {
    let read = match &file.dataset {
        DatasetFile::Named(named) => {
            let dir = collect(find::dataset(base, dir, named, place), problems)?;
            Dataset::read(&dir)
        }
        DatasetFile::File(DatasetOfFile::Schema(path)) => {
            let place = place.at("schema");
            let read = Dataset::of_schema(&find::file(dir, path, &place, problems)?);
            read.map_err(Problems::from)
        }
        DatasetFile::File(DatasetOfFile::Snapshot(path)) => {
            let place = place.at("snapshot");
            let read = Dataset::of_snapshot(&find::file(dir, path, &place, problems)?);
            read.map_err(Problems::from)
        }
    };
    match read {
        Ok(dataset) => Some(dataset),
        Err(Problems(found)) => {
            problems.extend(found);
            None
        }
    }
}

/// A snapshot has as many rows as it has.
fn beside_a_snapshot(
    rows: Option<u64>,
    args: &cli::Run,
    root: &Place<'_>,
    problems: &mut Vec<Problem>,
) {
    const MESSAGE: &str = "a snapshot has the rows that are in it, neither more nor fewer";
    const HINT: &str =
        "leave this out, or make the rows: a dataset with `schema` instead of `snapshot`";
    if let Some(rows) = args.rows {
        problems.push(Problem::argument("--rows", rows, MESSAGE).hint(HINT));
    }
    if rows.is_some() {
        problems.push(root.at("rows").problem(MESSAGE).hint(HINT));
    }
}

/// The workload that the scenario names, or else the dataset's.
fn workload_document(
    dir: &Path,
    file: &ScenarioFile,
    dataset: Option<&Dataset>,
    root: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Document> {
    let Some(named) = &file.workload else {
        let path = dataset?.workload_path()?;
        return collect(Document::read(path), problems);
    };
    let read = Document::read(dir.join(named));
    collect(
        read.map_err(|problem| root.at("workload").problem(problem.message)),
        problems,
    )
}

/// The versions of the workload, and the scenario's in place of those of the same name.
fn written_apps<'d>(
    file: &ScenarioFile,
    root: &Place<'d>,
    workload: Option<&'d Document>,
    problems: &mut Vec<Problem>,
) -> WrittenApps<'d> {
    let mut written = BTreeMap::new();
    if let Some(document) = workload
        && let Some(workload) = document.parse::<WorkloadFile>(problems)
    {
        let apps = document.root().at("apps");
        for (name, file) in workload.apps {
            let place = apps.at(name.as_str());
            written.insert(name, WrittenApp { file, place });
        }
    }
    for (name, file) in file.apps.clone() {
        let place = root.at("apps").at(name.as_str());
        written.insert(name, WrittenApp { file, place });
    }
    written
}

/// Changes when anything changes that determines what is rehearsed.
fn hash(spec: &rehearse::Spec) -> String {
    let steps: Vec<serde_json::Value> = spec
        .steps
        .iter()
        .map(|step| match step {
            Step::Migrate(migrate) => {
                let script = &migrate.script;
                let statements: Vec<&str> =
                    script.statements.iter().map(|s| s.sql.as_str()).collect();
                serde_json::json!({
                    "migrate": script.name,
                    "transaction": script.transaction.in_words(),
                    "statements": statements,
                    "lock_timeout": migrate.lock_timeout,
                    "retries": migrate.retries,
                    "backoff": migrate.backoff,
                })
            }
            Step::Command(command) => serde_json::json!({ "command": command.line }),
            Step::Deploy { app, overlap } => {
                serde_json::json!({ "deploy": app, "overlap": overlap })
            }
            Step::Wait(span) => serde_json::json!({ "wait": span }),
        })
        .collect();
    seed::content_key(&serde_json::json!({
        "dataset": spec.data.dataset.name,
        "load": spec.load,
        "apps": spec.apps,
        "steps": steps,
        "adversaries": spec.adversaries,
    }))
}

fn collect<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

#[cfg(test)]
mod tests;
