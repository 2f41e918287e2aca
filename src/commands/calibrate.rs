//! `calibrate`: runs one scenario again and again and keeps what it measured, as the machine's own noise.

use std::path::{Path, PathBuf};

use super::turns::{self, Course};
use super::{Exit, Failure, output, progress, stop};
use crate::cli;
use crate::compare::Calibration;
use crate::input::{Problem, Problems};
use crate::plan::Plan;
use crate::provision::{Choice, Provider};
use crate::report::Outcome;
use crate::talk::Talk;

/// Four a side: with fewer no comparison does statistics.
const RUNS_MIN: u32 = 8;

pub(super) async fn calibrate(args: &cli::Calibrate) -> Result<Exit, Failure> {
    let plan = resolve(args)?;
    let talk = progress::on_stderr();
    let mut stop = stop::listen(&talk).map_err(|error| Failure::new(Exit::Environment, error))?;
    talk.note(format!("scenario {}: {}", plan.name, plan.title));
    let mut courses = [Course::open(&plan)?];
    turns::take(&mut courses, &mut stop, &talk).await?;
    let [course] = courses;
    let (report, failures) = course.report();
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure);
    }
    if report.outcome != Outcome::Completed {
        let reason = report.outcome_reason.unwrap_or_default();
        let message = format!("nothing is kept, because not all runs were completed: {reason}");
        return Err(Failure::new(Exit::Unfinished, message));
    }
    for (at, calibration) in Calibration::of(&report).iter().enumerate() {
        let path = write(&plan.provision.cache_dir, calibration)?;
        if at > 0 {
            output::print("\n");
        }
        output::print_calibration(calibration);
        talk.note(format!("kept in {}", path.display()));
    }
    Ok(Exit::Kept)
}

/// As `run` would, with what only makes sense here checked.
fn resolve(args: &cli::Calibrate) -> Result<Plan, Problems> {
    let run = cli::Run {
        scenarios: vec![args.scenario.clone()],
        rows: args.rows,
        runs: args.runs,
        out: args.out.clone(),
        server: args.server.clone(),
        ..cli::Run::default()
    };
    if args.runs < RUNS_MIN {
        let problem =
            Problem::argument("--runs", args.runs, format!("must be at least {RUNS_MIN}"));
        let hint = "a comparison does statistics from four runs a side on";
        return Err(problem.hint(hint).into());
    }
    let mut plan = Plan::resolve(&run)?.remove(0);
    if plan.provision.choice == Choice::Url {
        let problem =
            Problem::new("--url: noise is kept for this machine, and the server may be on any");
        return Err(problem
            .hint("compare with --runs 7 or more: then the runs' own spread is known")
            .into());
    }
    plan.out = plan.out.join("calibration");
    Ok(plan)
}

/// The calibrations that are kept in a cache directory.
pub(super) fn known(cache_dir: &Path, talk: &Talk) -> Vec<Calibration> {
    let Ok(entries) = dir(cache_dir).read_dir() else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| is_json(path)).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).ok();
        let calibration = text.and_then(|text| Calibration::read(&text));
        if calibration.is_none() {
            talk.note(format!(
                "{} cannot be read by this version: calibrate again, or remove it",
                path.display()
            ));
        }
        calibration
    };
    paths.iter().filter_map(read).collect()
}

/// Removes all of them.
pub(super) fn forget(cache_dir: &Path, talk: &Talk) -> Result<(), Failure> {
    let dir = dir(cache_dir);
    if !dir.exists() {
        return Ok(());
    }
    std::fs::remove_dir_all(&dir).map_err(|error| unwritable(&dir, &error))?;
    talk.note("removed the calibrations");
    Ok(())
}

/// One file per scenario, provider and version: what is measured again takes the place of what was.
fn write(cache_dir: &Path, calibration: &Calibration) -> Result<PathBuf, Failure> {
    let dir = dir(cache_dir);
    let provider = match calibration.provider {
        Some(Provider::Docker) => "docker",
        Some(Provider::Local) => "local",
        Some(Provider::Url) | None => "url",
    };
    let name = format!(
        "{}-{provider}-{}",
        calibration.scenario, calibration.postgres
    );
    let path = dir.join(format!("{name}.json"));
    let partial = dir.join(format!(".{name}.partial"));
    let text = serde_json::to_string_pretty(calibration)
        .map_err(|error| Failure::new(Exit::Unfinished, error))?;
    std::fs::create_dir_all(&dir)
        .and_then(|()| std::fs::write(&partial, text))
        .and_then(|()| std::fs::rename(&partial, &path))
        .map_err(|error| unwritable(&path, &error))?;
    Ok(path)
}

fn dir(cache_dir: &Path) -> PathBuf {
    cache_dir.join("calibrations")
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write to {}: {error}", path.display());
    Failure::new(Exit::Environment, message)
}
