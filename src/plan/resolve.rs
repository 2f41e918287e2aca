//! From arguments and files to plans, with all mistakes at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::adversaries::adversaries;
use super::catalogue::Catalogue;
use super::find::{self, Found};
use super::scenario::{DatasetFile, DatasetOfFile, ScenarioFile, WorkloadFile};
use super::steps::{steps, unknown_app};
use super::traffic::{WrittenApp, WrittenApps, apps};
use super::{Plan, arguments, limits, load, settings};
use crate::cli;
use crate::input::{Document, Place, Problem, Problems};
use crate::provision::{Brought, Choice};
use crate::rehearse;
use crate::rehearse::workload::Step;
use crate::seed::context::Context;
use crate::seed::{self, Dataset};

/// The version that runs before the migration.
const FIRST_APP: &str = "v1";

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
    let mut provision = arguments::provision(&args.server, &mut problems);
    provision.os_cache = arguments::os_cache(args, provision.choice, &mut problems);
    let majors = arguments::majors(&args.server, provision.choice, &mut problems);
    let runs = arguments::runs(args, &mut problems);
    if args.rows == Some(0) {
        problems.push(Problem::argument("--rows", 0, "must be at least 1"));
    }
    arguments::out(&args.out, &mut problems);
    let limits = limits::typed(&args.budget, &mut problems);
    let settings = settings::typed(args, provision.choice, &mut problems);
    let found = find::scenarios(base, args, &mut problems);
    let against = find::against(base, args, &found, &mut problems);
    let typed = Typed {
        choice: provision.choice,
        limits,
        settings,
    };
    let mut plan = |one: &Found, out: PathBuf| {
        let scenario = scenario(base, one, args, &typed, &mut problems)?;
        Some(Plan {
            name: one.name.clone(),
            title: scenario.title,
            about: scenario.about,
            hash: scenario.hash,
            path: one.dir.join("scenario.toml"),
            provision: provision.clone(),
            majors: majors.clone(),
            seed: scenario.seed,
            rehearse: scenario.rehearse,
            settings: scenario.settings,
            budget: scenario.budget,
            runs,
            against: None,
            out,
        })
    };
    let out = |one: &Found| args.out.join(&one.name);
    let mut plans: Vec<Plan> = found.iter().filter_map(|one| plan(one, out(one))).collect();
    // The two may be of the same name, and even the same: the one's reports stand below the other's.
    if let (Some(against), [head]) = (against, &mut plans[..]) {
        head.against = plan(&against, head.out.join("base")).map(Box::new);
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
struct Typed {
    choice: Choice,
    limits: Vec<limits::Typed>,
    settings: Brought,
}

/// What one scenario contributes to its plan.
struct Scenario {
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
) -> Option<Scenario> {
    let document = collect(Document::read(found.dir.join("scenario.toml")), problems)?;
    let file: ScenarioFile = document.parse(problems)?;
    let root = document.root();
    if file.rows == Some(0) {
        problems.push(root.at("rows").problem("must be at least 1"));
    }
    let dataset = dataset(base, &found.dir, &file, &root.at("dataset"), problems);
    if dataset.as_ref().is_some_and(|d| d.snapshot().is_some()) {
        beside_a_snapshot(&file, args, &root, problems);
    }
    let default_seed = dataset.as_ref().map_or(0, |dataset| dataset.seed);
    let seed = args.seed.or(file.seed).unwrap_or(default_seed);
    let data = dataset.map(|dataset| seed::Spec {
        dataset,
        rows: args.rows.or(file.rows).unwrap_or(ROWS_DEFAULT).max(1),
        seed,
        workers: std::thread::available_parallelism().map_or(1, usize::from),
    });
    let dataset = data.as_ref().map(|data| &data.dataset);
    let catalogue = Catalogue::of(dataset.map(|dataset| &dataset.schema));
    // What is inferred is not known before there is a server.
    let described = data.as_ref().filter(|data| !data.dataset.infer);
    let context = described.map(Context::new);
    let protocol = arguments::protocol(args);
    let load = load::load(&file.load, protocol, seed, &root.at("load"), problems);

    let workload = workload_document(&found.dir, &file, dataset, &root, problems);
    let written = written_apps(&file, &root, workload.as_ref(), problems);
    let apps = apps(&written, FIRST_APP, catalogue, context.as_ref(), problems);
    let complete = workload.is_some() || (dataset.is_some() && file.workload.is_none());
    if !apps.contains_key(FIRST_APP) && complete {
        let problem = unknown_app(FIRST_APP, &apps, &root.at("apps").at(FIRST_APP));
        problems.push(problem.hint(
            "it is what runs before the migration; the dataset's workload.toml usually has it",
        ));
    }
    let steps = steps(&file.steps, &found.dir, &apps, &root.at("steps"), problems);
    let place = root.at("adversaries");
    let adversaries = adversaries(&file.adversaries, &steps, catalogue, &place, problems);
    let place = root.at("budget");
    let first = apps.get(FIRST_APP);
    let budget = limits::budget(file.budget, &typed.limits, &place, &load, first, problems);
    let place = root.at("settings");
    let settings = settings::brought(
        &file.settings,
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
    Some(Scenario {
        hash: hash(&rehearse),
        title: file.title,
        about: file.about.trim().to_owned(),
        seed,
        rehearse,
        settings,
        budget,
    })
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
    file: &ScenarioFile,
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
    if file.rows.is_some() {
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
