//! `run`: from arguments to verdict.

use super::stop::{self, Stop};
use super::turns::{self, Course};
use super::{Exit, Failure, output, progress};
use crate::cli;
use crate::plan::Plan;
use crate::report::{Outcome, Report};
use crate::talk::Talk;

/// Rehearses the scenarios and reports on each; two of them take turns and are compared.
pub(super) async fn run(args: &cli::Run) -> Result<Exit, Failure> {
    let plans = Plan::resolve(args)?;
    if args.list {
        output::list(&plans);
        return Ok(Exit::Kept);
    }
    let talk = progress::on_stderr();
    let mut stop = stop::listen(&talk).map_err(|error| Failure::new(Exit::Environment, error))?;
    let batches = batches(&plans);
    let mut courses = Vec::new();
    for batch in &batches {
        let opened = batch.iter().map(|plan| Course::open(plan));
        courses.push(opened.collect::<Result<Vec<_>, _>>()?);
    }
    let mut exit = Exit::Kept;
    for (at, (batch, courses)) in batches.iter().zip(courses).enumerate() {
        if at > 0 {
            output::print("\n");
        }
        exit = exit.max(rehearse(batch, courses, &mut stop, &talk).await?);
        if *stop.borrow() {
            break;
        }
    }
    Ok(exit)
}

/// The plans that take turns: two, the first of which the second is compared with. Any others go one by one.
fn batches(plans: &[Plan]) -> Vec<Vec<&Plan>> {
    match plans {
        [base, head] => vec![vec![base, head]],
        _ => plans
            .iter()
            .map(|plan| plan.against.as_deref().into_iter().chain([plan]).collect())
            .collect(),
    }
}

/// Runs, reports on and, if they are two, compares the scenarios of a batch.
async fn rehearse(
    plans: &[&Plan],
    mut courses: Vec<Course<'_>>,
    stop: &mut Stop,
    talk: &Talk,
) -> Result<Exit, Failure> {
    for plan in plans {
        talk.note(format!("scenario {}: {}", plan.name, plan.title));
    }
    turns::take(&mut courses, stop, talk).await?;
    let has_base = plans.last().is_some_and(|head| head.against.is_some());
    let mut exit = Exit::Kept;
    let mut reports: Vec<Report> = Vec::new();
    let mut told = Vec::new();
    for course in &courses {
        let (report, failures) = course.report();
        if !reports.is_empty() {
            output::print("\n");
        }
        output::print_report(&report);
        if !course.has_failed() {
            exit = exit.max(match verdict(&report) {
                // What head is compared with was like that before.
                Exit::Broken if has_base && reports.is_empty() => Exit::Kept,
                verdict => verdict,
            });
        }
        for failure in failures {
            exit = exit.max(failure.exit);
            // What ends both ends them for the same reason.
            if !told.contains(&failure.message) {
                progress::eprint_line(&format!("pgrehearse: {}", failure.message));
                told.push(failure.message);
            }
        }
        reports.push(report);
    }
    if let ([base, head], [_, course]) = (&reports[..], &courses[..]) {
        let comparison = course.compare(base, head, talk)?;
        output::print("\n");
        output::print_comparison(&comparison);
        if comparison.got_worse() && has_base {
            exit = exit.max(Exit::Broken);
        }
    }
    Ok(exit)
}

fn verdict(report: &Report) -> Exit {
    match report.outcome {
        Outcome::Interrupted | Outcome::Aborted => Exit::Unfinished,
        Outcome::Completed | Outcome::MigrationFailed if report.verdict.passed => Exit::Kept,
        Outcome::Completed | Outcome::MigrationFailed => Exit::Broken,
    }
}
