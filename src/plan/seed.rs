//! From what was typed to what `seed` will do.

use std::path::Path;

use super::{arguments, find};
use crate::input::{Problem, Problems};
use crate::seed::{self, Dataset};
use crate::{cli, provision};

/// What `seed` will do, with nothing left to decide.
pub struct SeedPlan {
    pub work: Work,
    pub provision: provision::Spec,
    /// The version of Postgres, where one was asked for.
    pub major: Option<u16>,
}

/// What is to come of a dataset.
pub enum Work {
    /// A template, for runs to come.
    Template(seed::Spec),
    /// Rows in the database of this URL, which holds a password.
    Database { url: String, spec: seed::Spec },
    /// The dataset file on stdout.
    Explain(seed::Spec),
    /// The same of the tables of the database of this URL, which holds a password.
    ExplainDatabase { url: String, spec: seed::Spec },
}

impl SeedPlan {
    /// Decides all that `seed` needs; datasets are looked up from the current directory.
    pub fn resolve(args: &cli::Seed) -> Result<SeedPlan, Problems> {
        let mut problems = Vec::new();
        let provision = arguments::provision(&args.server, &mut problems);
        let majors = arguments::majors(&args.server, provision.choice, &mut problems);
        for (argument, is_zero) in [
            ("--rows", args.rows == 0),
            ("--workers", args.workers == Some(0)),
        ] {
            if is_zero {
                problems.push(Problem::argument(argument, 0, "must be at least 1"));
            }
        }
        if majors.len() > 1 {
            let typed: Vec<String> = args.server.postgres.iter().map(u16::to_string).collect();
            let problem = Problem::argument("--postgres", typed.join(","), "one version at a time");
            problems.push(problem.hint("a template belongs to one version of Postgres"));
        }
        let dataset = match &args.dataset {
            Some(typed) => read(Path::new(""), typed, &mut problems),
            None => Some(Dataset::of_database()),
        };
        if let (Some(dataset), true) = (&dataset, args.explain)
            && dataset.snapshot().is_some()
        {
            let message = "a snapshot has its own rows: there is nothing to choose";
            problems.push(Problem::argument("--explain", &dataset.name, message));
        }
        let spec = dataset.map(|dataset| seed::Spec {
            seed: args.seed.unwrap_or(dataset.seed),
            dataset,
            rows: args.rows,
            workers: args.workers.unwrap_or_else(default_workers),
        });
        let (Some(spec), true) = (spec, problems.is_empty()) else {
            return Err(Problems(problems));
        };
        let url = args.server.url.clone();
        let work = match (url, args.explain) {
            (Some(url), true) if args.dataset.is_none() => Work::ExplainDatabase { url, spec },
            (_, true) => Work::Explain(spec),
            (Some(url), false) => Work::Database { url, spec },
            (None, false) => Work::Template(spec),
        };
        Ok(SeedPlan {
            work,
            provision,
            major: majors.first().copied().flatten(),
        })
    }
}

fn read(base: &Path, typed: &str, problems: &mut Vec<Problem>) -> Option<Dataset> {
    let found = find::typed_dataset(base, typed).map_err(|problem| Problems(vec![problem]));
    let read = found.and_then(|path| Dataset::read(&path));
    read.map_err(|Problems(found)| problems.extend(found)).ok()
}

/// As many streams as there are cores.
pub(super) fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
