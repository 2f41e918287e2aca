//! `run`: from arguments to verdict.

use tokio::sync::watch;

use super::output::Output;
use super::stop::{self, Stop, unless_stopped};
use super::{Exit, Failure, output, progress};
use crate::cli;
use crate::compare::{Comparison, DEFAULT_THRESHOLD};
use crate::plan::Plan;
use crate::provision::{self, Accepted, Host, Server};
use crate::rehearse::recording::Ended;
use crate::rehearse::{self, Recording};
use crate::report::{DatasetFacts, Outcome, Rehearsal, Report, ScenarioFacts};
use crate::seed::{self, template::TemplateError};
use crate::talk::Talk;

/// Rehearses each scenario in turn, reports on each, and compares the first two.
pub(super) async fn run(args: &cli::Run) -> Result<Exit, Failure> {
    let plans = Plan::resolve(args)?;
    if args.list {
        output::list(&plans);
        return Ok(Exit::Kept);
    }
    let talk = progress::on_stderr();
    let mut stop = stop::listen(&talk).map_err(|error| Failure::new(Exit::Environment, error))?;
    let outputs = plans
        .iter()
        .map(Output::open)
        .collect::<Result<Vec<_>, _>>()?;
    let mut reports = Vec::new();
    let mut exit = Exit::Kept;
    for (plan, output) in plans.iter().zip(&outputs) {
        talk.note(format!("scenario {}: {}", plan.name, plan.title));
        let mut rehearsal = planned(plan);
        let early = scenario(plan, &mut rehearsal, output, &mut stop, &talk)
            .await
            .err();
        let failed = match early {
            None => None,
            Some(Early::Stopped) => {
                rehearsal.ends_early(Ended::Interrupted);
                None
            }
            // Without a server there is nothing to report on, and there will be none for the next scenario.
            Some(Early::Failed(failure)) if rehearsal.environment.provider.is_none() => {
                return Err(failure);
            }
            Some(Early::Failed(failure)) => {
                rehearsal.ends_early(Ended::Aborted(failure.message.clone()));
                Some(failure)
            }
        };
        let report = output::judged(&rehearsal);
        let unwritten = output.write(&rehearsal, &report).err();
        if !reports.is_empty() {
            output::print("\n");
        }
        output::print_report(&report);
        if failed.is_none() {
            exit = exit.max(verdict(&report));
        }
        for failure in failed.into_iter().chain(unwritten) {
            progress::eprint_line(&format!("pgrehearse: {}", failure.message));
            exit = exit.max(failure.exit);
        }
        reports.push(report);
        if *stop.borrow() {
            break;
        }
    }
    if let [base, head] = &reports[..] {
        output::print("\n");
        output::print_comparison(&Comparison::of(base, head, DEFAULT_THRESHOLD));
    }
    Ok(exit)
}

/// A rehearsal in which nothing has happened yet.
fn planned(plan: &Plan) -> Rehearsal {
    let scenario = ScenarioFacts {
        name: plan.name.clone(),
        title: plan.title.clone(),
        hash: plan.hash.clone(),
    };
    let dataset = DatasetFacts {
        name: plan.seed.dataset.name.clone(),
        hash: plan.seed.key(),
        rows: plan.seed.table_rows(),
        bytes: 0,
    };
    let runs = plan.majors.len() * plan.runs as usize;
    Rehearsal::planned(scenario, dataset, plan.budget.clone(), runs)
}

/// Why a scenario ended before all its runs were recorded.
enum Early {
    Stopped,
    Failed(Failure),
}

impl From<Failure> for Early {
    fn from(failure: Failure) -> Early {
        Early::Failed(failure)
    }
}

/// All runs of one scenario, on every version asked for. What was recorded is in `rehearsal` however it ends.
async fn scenario(
    plan: &Plan,
    rehearsal: &mut Rehearsal,
    output: &Output,
    stop: &mut Stop,
    talk: &Talk,
) -> Result<(), Early> {
    for major in &plan.majors {
        let host = unless_stopped(stop, provision::open(&plan.provision, *major, talk)).await;
        let host = host.ok_or(Early::Stopped)?.map_err(environment)?;
        let accepted = accepted(plan, &host, rehearsal, stop, talk).await?;
        rehearsal.opened(host.provider(), plan.provision.os_cache);
        let settings = rehearse::server_settings(&plan.rehearse, &accepted.settings, talk);
        let template = unless_stopped(stop, seed::template::obtain(&host, &plan.seed, talk)).await;
        let template = template.ok_or(Early::Stopped)?.map_err(unseeded)?;
        rehearsal.seeded(&template.manifest);
        for run in 1..=plan.runs {
            let version = template.manifest.postgres_version;
            talk.note(format!(
                "run {run} of {} on PostgreSQL {version}",
                plan.runs
            ));
            let clone = host.start_clone(&template, &settings);
            let server = unless_stopped(stop, clone).await.ok_or(Early::Stopped)?;
            let server = server.map_err(|error| environment(accepted.explain(error)))?;
            let recording = one_run(plan, server, stop, talk).await;
            let goes_on = matches!(recording.ended, Ended::Completed | Ended::MigrationFailed);
            rehearsal.recorded(recording);
            // What cannot be written now may be at the end; the report is shown in any case.
            if let Err(failure) = output.write(rehearsal, &output::judged(rehearsal)) {
                talk.note(failure.message);
            }
            if !goes_on {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The user's settings, as far as the server takes them.
async fn accepted(
    plan: &Plan,
    host: &Host,
    rehearsal: &mut Rehearsal,
    stop: &mut Stop,
    talk: &Talk,
) -> Result<Accepted, Early> {
    let accepted = unless_stopped(stop, host.accept(&plan.settings)).await;
    let accepted = accepted.ok_or(Early::Stopped)?.map_err(environment)?;
    for (names, why) in [
        (&accepted.ignored, "for the rehearsal itself to set"),
        (&accepted.missing_libraries, "not installed here"),
    ] {
        if !names.is_empty() {
            talk.note(format!("not taken over, {why}: {}", names.join(", ")));
        }
    }
    rehearsal.accepted(&plan.settings, &accepted);
    Ok(accepted)
}

/// One run on a fresh clone.
async fn one_run(plan: &Plan, server: Server, stop: &Stop, talk: &Talk) -> Recording {
    let stopped = watch::Receiver::clone(stop);
    let recording = rehearse::rehearse(&server, &plan.rehearse, stopped, talk).await;
    // What the run recorded counts, however its server ends: it is removed in any case.
    if let Err(error) = server.stop().await {
        talk.note(format!("stopping the server: {error}"));
    }
    recording
}

fn unseeded(error: TemplateError) -> Failure {
    match error {
        TemplateError::Provision(error) => environment(error),
        error => Failure::new(Exit::Environment, error),
    }
}

fn environment(error: provision::Error) -> Failure {
    let exit = if error.is_bad_input() {
        Exit::BadInput
    } else {
        Exit::Environment
    };
    Failure::new(exit, error)
}

fn verdict(report: &Report) -> Exit {
    match report.outcome {
        Outcome::Interrupted | Outcome::Aborted => Exit::Unfinished,
        Outcome::Completed | Outcome::MigrationFailed if report.verdict.passed => Exit::Kept,
        Outcome::Completed | Outcome::MigrationFailed => Exit::Broken,
    }
}
