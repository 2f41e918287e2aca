//! The steps of a scenario: its scripts are read, its versions looked up.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::scenario::StepFile;
use crate::input::{Place, Problem};
use crate::migrations::{Script, ScriptError};
use crate::rehearse::workload::{App, Step};

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
    match (&step.migrate, &step.deploy, &step.wait) {
        (Some(name), None, None) => script(dir, name, &place.at("migrate")).map(Step::Migrate),
        (None, Some(app), None) if apps.contains_key(app) => Ok(Step::Deploy {
            app: app.clone(),
            overlap: step.overlap.map_or(Duration::ZERO, |overlap| overlap.0),
        }),
        (None, Some(app), None) => Err(unknown_app(app, apps, &place.at("deploy"))),
        (None, None, Some(wait)) => Ok(Step::Wait(wait.0)),
        _ => Err(place.problem("a step is exactly one of migrate, deploy and wait")),
    }
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
        ScriptError::Empty => Problem::file(&path, error.to_string())
            .hint("write the migration, or leave the step out"),
        ScriptError::Syntax { line, message } => Problem::file(&path, message).at_line(line),
    })
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
