//! The steps of a scenario: its scripts are read, its versions looked up.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::scenario::StepFile;
use crate::input::{Place, Problem};
use crate::migrations::{Script, ScriptError};
use crate::rehearse::workload::{App, Migrate, Step};

/// The pause before the first retry where the scenario does not say.
const BACKOFF_DEFAULT: Duration = Duration::from_millis(100);

/// The server keeps it in 32 bits.
const LOCK_TIMEOUT_MS_MAX: u64 = i32::MAX as u64;

/// What is done, in order. A step with a mistake is left out and the mistake reported.
pub fn steps(
    written: &[StepFile],
    dir: &Path,
    apps: &BTreeMap<String, App>,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Step> {
    if written.is_empty() && !place.is_written() {
        problems.push(
            place
                .problem("a scenario needs at least one step")
                .hint("write [[steps]] with migrate = \"up.sql\""),
        );
    }
    let mut steps = Vec::new();
    for (index, step) in written.iter().enumerate() {
        match resolve(step, dir, apps, &place.at(index)) {
            Ok(step) => steps.push(step),
            Err(problem) => problems.push(problem),
        }
    }
    steps
}

fn resolve(
    step: &StepFile,
    dir: &Path,
    apps: &BTreeMap<String, App>,
    place: &Place<'_>,
) -> Result<Step, Problem> {
    if step.overlap.is_some() && step.deploy.is_none() {
        return Err(place
            .at("overlap")
            .problem("only a deploy step has an overlap"));
    }
    check_locking(step, place)?;
    match (&step.migrate, &step.deploy, &step.wait) {
        (Some(name), None, None) => {
            let script = script(dir, name, &place.at("migrate"))?;
            Ok(Step::Migrate(with_locking(script, step)))
        }
        (None, Some(app), None) if apps.contains_key(app) => Ok(Step::Deploy {
            app: app.clone(),
            overlap: step.overlap.map_or(Duration::ZERO, |overlap| overlap.0),
        }),
        (None, Some(app), None) => Err(unknown_app(app, apps, &place.at("deploy"))),
        (None, None, Some(wait)) => Ok(Step::Wait(wait.0)),
        _ => Err(place.problem("a step is exactly one of migrate, deploy and wait")),
    }
}

/// A script, and what the step says about locks that it does not get.
pub(super) fn with_locking(script: Script, step: &StepFile) -> Migrate {
    Migrate {
        script,
        lock_timeout: step.lock_timeout_ms.map(Duration::from_millis),
        retries: step.retries.unwrap_or(0),
        backoff: step
            .backoff_ms
            .map_or(BACKOFF_DEFAULT, Duration::from_millis),
    }
}

/// What a step says about locks that it does not get must have something to be about.
pub(super) fn check_locking(step: &StepFile, place: &Place<'_>) -> Result<(), Problem> {
    let written = [
        ("lock_timeout_ms", step.lock_timeout_ms.is_some()),
        ("retries", step.retries.is_some()),
        ("backoff_ms", step.backoff_ms.is_some()),
    ];
    let first = written.iter().find(|(_, is_written)| *is_written);
    if let (Some((key, _)), None) = (first, &step.migrate) {
        let message = format!("only a migrate step has {key}");
        return Err(place.at(*key).problem(message));
    }
    if let Some(0) = step.lock_timeout_ms {
        let problem = place.at("lock_timeout_ms").problem("must be at least 1");
        return Err(problem.hint("leave it out to wait until the lock comes"));
    }
    if let Some(ms) = step.lock_timeout_ms
        && ms > LOCK_TIMEOUT_MS_MAX
    {
        let message = format!("Postgres takes at most {LOCK_TIMEOUT_MS_MAX}");
        return Err(place.at("lock_timeout_ms").problem(message));
    }
    if step.backoff_ms.is_some() && step.retries.unwrap_or(0) == 0 {
        let problem = place
            .at("backoff_ms")
            .problem("there is no retry to wait for");
        return Err(problem.hint("add retries, or leave it out"));
    }
    Ok(())
}

fn script(dir: &Path, name: &str, place: &Place<'_>) -> Result<Script, Problem> {
    let path = dir.join(name);
    Script::read(&path, name).map_err(|error| match error {
        ScriptError::Unreadable(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let problem = place.problem(format!("no such file: {}", path.display()));
            let scripts = scripts_in(dir);
            problem
                .hint("the path is relative to the scenario")
                .meant(name, scripts.iter().map(String::as_str))
        }
        ScriptError::Unreadable(_) => place.problem(format!("{}: {error}", path.display())),
        error => unusable(&path, &error),
    })
}

/// A script that is there and cannot be run.
pub(super) fn unusable(path: &Path, error: &ScriptError) -> Problem {
    match error {
        ScriptError::Syntax { line, message } => Problem::file(path, message).at_line(*line),
        ScriptError::Empty => Problem::file(path, error.to_string())
            .hint("write the migration, or leave the step out"),
        ScriptError::Unreadable(_) => Problem::file(path, error.to_string()),
    }
}

fn scripts_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().display().to_string());
    names.filter(|name| name.ends_with(".sql")).collect()
}

/// A version that nobody described.
pub fn unknown_app(app: &str, apps: &BTreeMap<String, App>, place: &Place<'_>) -> Problem {
    let problem = place.problem(format!("no application version `{app}`"));
    if apps.is_empty() {
        return problem.hint("write [[apps.v1.queries]]");
    }
    let known: Vec<&str> = apps.keys().map(String::as_str).collect();
    let all = format!("there are: {}", known.join(", "));
    problem.hint(all).meant(app, known)
}
