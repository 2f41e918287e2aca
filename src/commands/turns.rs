//! Scenarios on their way from plan to report. Several of them take turns, run by run, so that whatever the
//! machine does meanwhile does it to all of them.

use tokio::sync::watch;

use super::output::{self, Output};
use super::stop::{Stop, unless_stopped};
use super::{Failure, calibrate, derive};
use crate::compare::{self, Comparison, Terms};
use crate::plan::Plan;
use crate::provision::{self, Accepted, Host, Server, Settings, Template};
use crate::rehearse::recording::Ended;
use crate::rehearse::{self, Recording};
use crate::report::{DatasetFacts, Rehearsal, Report, ScenarioFacts};
use crate::seed;
use crate::talk::Talk;

/// One scenario, and how far it has come.
pub(super) struct Course<'p> {
    plan: &'p Plan,
    output: Output,
    rehearsal: Rehearsal,
    over: bool,
    failure: Option<Failure>,
}

/// Why a scenario ends before all its runs are recorded.
enum Early {
    Stopped,
    Failed(Failure),
}

impl From<Failure> for Early {
    fn from(failure: Failure) -> Early {
        Early::Failed(failure)
    }
}

impl<'p> Course<'p> {
    /// A scenario in which nothing has happened yet.
    pub(super) fn open(plan: &'p Plan) -> Result<Course<'p>, Failure> {
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
        Ok(Course {
            plan,
            output: Output::open(plan)?,
            rehearsal: Rehearsal::planned(scenario, dataset, plan.budget.clone(), runs),
            over: false,
            failure: None,
        })
    }

    /// Writes the report; with it why there is not more in it.
    pub(super) fn report(&self) -> (Report, Vec<Failure>) {
        let report = output::judged(&self.rehearsal);
        let unwritten = self.output.write(&self.rehearsal, &report).err();
        let failures = self.failure.iter().cloned().chain(unwritten).collect();
        (report, failures)
    }

    /// Compares its report with another's by what is known of this machine, and keeps the comparison
    /// beside the report.
    pub(super) fn compare(
        &self,
        base: &Report,
        head: &Report,
        talk: &Talk,
    ) -> Result<Comparison, Failure> {
        let known = calibrate::known(&self.plan.provision.cache_dir, talk);
        let terms = Terms {
            threshold: None,
            calibration: compare::fitting(&known, base, head),
        };
        let comparison = Comparison::of(base, head, terms);
        self.output.write_comparison(&comparison)?;
        Ok(comparison)
    }

    /// Whether something other than the user ended it before its time.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    fn is_over(&self) -> bool {
        self.over || self.rehearsal.is_complete()
    }

    fn ends(&mut self, early: &Early) {
        if self.is_over() {
            return;
        }
        self.over = true;
        match early {
            Early::Stopped => self.rehearsal.ends_early(Ended::Interrupted),
            Early::Failed(failure) => {
                let reason = failure.message.clone();
                self.rehearsal.ends_early(Ended::Aborted(reason));
                self.failure = Some(failure.clone());
            }
        }
    }

    /// One more run, recorded to whatever end.
    async fn turn(&mut self, spec: &rehearse::Spec, server: Server, stop: &Stop, talk: &Talk) {
        let recording = one_run(spec, server, stop, talk).await;
        self.over = !matches!(recording.ended, Ended::Completed | Ended::MigrationFailed);
        self.rehearsal.recorded(recording);
        // What cannot be written now may be at the end; the report is shown in any case.
        let report = output::judged(&self.rehearsal);
        if let Err(failure) = self.output.write(&self.rehearsal, &report) {
            talk.note(failure.message);
        }
    }
}

/// All runs of all of them, which are planned for the same servers. Only fails if there is no server at all: then
/// there is nothing to report on.
pub(super) async fn take(
    courses: &mut [Course<'_>],
    stop: &mut Stop,
    talk: &Talk,
) -> Result<(), Failure> {
    let Some(Course { plan, .. }) = courses.first() else {
        return Ok(());
    };
    let plan = *plan;
    take_turns_since_now(courses);
    for major in &plan.majors {
        let Err(early) = on_version(courses, plan, *major, stop, talk).await else {
            continue;
        };
        let opened = courses.iter().any(|course| course.rehearsal.is_opened());
        match early {
            Early::Failed(failure) if !opened => return Err(failure),
            early => courses.iter_mut().for_each(|course| course.ends(&early)),
        }
    }
    Ok(())
}

fn take_turns_since_now(courses: &mut [Course<'_>]) {
    if let [first, .., last] = courses {
        let since = first.rehearsal.started_at.clone();
        first.rehearsal.in_turns_since = Some(since.clone());
        last.rehearsal.in_turns_since = Some(since);
    }
}

/// All runs on one version of Postgres, after all data is there.
async fn on_version(
    courses: &mut [Course<'_>],
    plan: &Plan,
    major: Option<u16>,
    stop: &mut Stop,
    talk: &Talk,
) -> Result<(), Early> {
    if courses.iter().all(Course::is_over) {
        return Ok(());
    }
    let host = unless_stopped(stop, provision::open(&plan.provision, major, talk)).await;
    let host = host.ok_or(Early::Stopped)?.map_err(Failure::from)?;
    let mut prepared = prepare(courses, &host, stop, talk).await?;
    for run in 1..=plan.runs {
        for one in &mut prepared {
            if one.course.is_over() {
                continue;
            }
            talk.note(format!(
                "{}: run {run} of {} on PostgreSQL {}",
                one.course.plan.name, plan.runs, one.template.manifest.postgres_version
            ));
            let clone = host.start_clone(&one.template, &one.settings);
            match unless_stopped(stop, clone).await.ok_or(Early::Stopped)? {
                Ok(server) => one.course.turn(&one.rehearse, server, stop, talk).await,
                Err(error) => {
                    let failure = one.accepted.explain(error).into();
                    one.course.ends(&Early::Failed(failure));
                }
            }
        }
        // Each goes first as often as it goes last, and whoever comes second finds the same machine.
        prepared.reverse();
    }
    Ok(())
}

/// A scenario with what its runs on one version start from.
struct Prepared<'c, 'p> {
    course: &'c mut Course<'p>,
    accepted: Accepted,
    settings: Settings,
    template: Template,
    rehearse: rehearse::Spec,
}

/// Those of them whose data is there. Settings that no server takes end them all, before anything is seeded.
async fn prepare<'c, 'p>(
    courses: &'c mut [Course<'p>],
    host: &Host,
    stop: &mut Stop,
    talk: &Talk,
) -> Result<Vec<Prepared<'c, 'p>>, Early> {
    let mut taken = Vec::new();
    for course in courses.iter_mut() {
        taken.push(accepted(course, host, stop, talk).await?);
    }
    let mut prepared = Vec::new();
    for (course, accepted) in courses.iter_mut().zip(taken) {
        let Plan {
            provision,
            rehearse,
            seed,
            ..
        } = course.plan;
        course.rehearsal.opened(host.provider(), provision.os_cache);
        let settings = rehearse::server_settings(rehearse, &accepted.settings, talk);
        let template = unless_stopped(stop, seed::template::obtain(host, seed, talk)).await;
        match template.ok_or(Early::Stopped)? {
            Ok(template) => {
                course.rehearsal.seeded(&template.manifest);
                let mut rehearse = rehearse::Spec {
                    data: seed::template::completed(seed, &template.manifest),
                    ..rehearse.clone()
                };
                if let Some(derived) = &course.plan.derived {
                    let deriving = derive::apps(derived, host, &template, &rehearse.data, talk);
                    let apps = unless_stopped(stop, deriving).await.ok_or(Early::Stopped)?;
                    rehearse.apps = apps?;
                }
                prepared.push(Prepared {
                    rehearse,
                    course,
                    accepted,
                    settings,
                    template,
                });
            }
            Err(error) => course.ends(&Early::Failed(error.into())),
        }
    }
    Ok(prepared)
}

/// The user's settings, as far as the server takes them.
async fn accepted(
    course: &mut Course<'_>,
    host: &Host,
    stop: &mut Stop,
    talk: &Talk,
) -> Result<Accepted, Early> {
    let asked_for = &course.plan.settings;
    let accepted = unless_stopped(stop, host.accept(asked_for)).await;
    let accepted = accepted.ok_or(Early::Stopped)?.map_err(Failure::from)?;
    for (names, why) in [
        (&accepted.ignored, "for the rehearsal itself to set"),
        (&accepted.missing_libraries, "not installed here"),
    ] {
        if !names.is_empty() {
            talk.note(format!("not taken over, {why}: {}", names.join(", ")));
        }
    }
    course.rehearsal.accepted(asked_for, &accepted);
    Ok(accepted)
}

/// One run on a fresh clone.
async fn one_run(spec: &rehearse::Spec, server: Server, stop: &Stop, talk: &Talk) -> Recording {
    let stopped = watch::Receiver::clone(stop);
    let recording = rehearse::rehearse(&server, spec, stopped, talk).await;
    // What the run recorded counts, however its server ends: it is removed in any case.
    if let Err(error) = server.stop().await {
        talk.note(format!("stopping the server: {error}"));
    }
    recording
}
