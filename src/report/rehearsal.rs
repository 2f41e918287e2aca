//! A rehearsal on disk: what was planned and recorded. The report is made from it, and can be made again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    DatasetFacts, Environment, Outcome, Report, Run, SCHEMA_VERSION, ScenarioFacts, Verdict,
};
use crate::plan::Budget;
use crate::provision::{Accepted, Brought, Manifest, OsCache, Provider};
use crate::rehearse::Recording;
use crate::rehearse::clock::Clock;
use crate::rehearse::recording::{Ended, StepRecord};

/// The version of this file's shape. A file of another shape is not read as one.
const FORMAT: u32 = 1;

/// Recordings with what is needed to report on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rehearsal {
    pub recordings_format: u32,
    pub tool_version: String,
    pub started_at: String,
    pub scenario: ScenarioFacts,
    pub environment: Environment,
    pub dataset: DatasetFacts,
    pub budget: Budget,
    /// How many runs were planned.
    pub runs_planned: usize,
    /// Why it ended before all planned runs were recorded; `None` while it goes on or when it is complete.
    pub ended_early: Option<Ended>,
    /// When its runs began to take turns with those of another; the same in both.
    #[serde(default)]
    pub in_turns_since: Option<String>,
    pub recordings: Vec<Recording>,
    pub warnings: Vec<String>,
}

impl Rehearsal {
    /// A rehearsal in which nothing has been provisioned or recorded yet.
    pub fn planned(
        scenario: ScenarioFacts,
        dataset: DatasetFacts,
        budget: Budget,
        runs_planned: usize,
    ) -> Rehearsal {
        Rehearsal {
            recordings_format: FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: Clock::start().started_at().to_string(),
            scenario,
            environment: Environment::of_this_machine(),
            dataset,
            budget,
            runs_planned,
            ended_early: None,
            in_turns_since: None,
            recordings: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub fn is_opened(&self) -> bool {
        self.environment.provider.is_some()
    }

    /// Whether all runs have been recorded.
    pub fn is_complete(&self) -> bool {
        self.recordings.len() == self.runs_planned
    }

    /// There is a place to run it.
    pub fn opened(&mut self, provider: Provider, os_cache: OsCache) {
        self.environment.provider = Some(provider);
        self.environment.os_cache = (provider != Provider::Url).then_some(os_cache);
    }

    /// The user's settings, and which of them are left out here.
    pub fn accepted(&mut self, brought: &Brought, accepted: &Accepted) {
        let environment = &mut self.environment;
        environment.settings_brought = brought
            .settings
            .iter()
            .map(|setting| (setting.name.clone(), setting.value.clone()))
            .collect();
        environment.settings_ignored.clone_from(&accepted.ignored);
        if !accepted.missing_libraries.is_empty() {
            let libraries = accepted.missing_libraries.join(", ");
            let warning = format!("measured without {libraries}, which is not installed here");
            // Several versions may lack the same.
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// There is data to run it on.
    pub fn seeded(&mut self, manifest: &Manifest) {
        let version = &mut self.environment.postgres_version;
        version.get_or_insert(manifest.postgres_version);
        self.dataset.rows = manifest.rows.clone();
        self.dataset.bytes = manifest.bytes;
    }

    /// A run has been recorded, to whatever end.
    pub fn recorded(&mut self, recording: Recording) {
        if self.environment.settings.is_empty() {
            self.environment.settings = recording.settings.clone();
        }
        self.recordings.push(recording);
    }

    /// No further run will come.
    pub fn ends_early(&mut self, ended: Ended) {
        self.ended_early = Some(ended);
    }

    /// Reads a file of recordings; `None` if the text is something else, such as a report.
    pub fn read(text: &str) -> Option<Rehearsal> {
        serde_json::from_str(text)
            .ok()
            .filter(|rehearsal: &Rehearsal| rehearsal.recordings_format == FORMAT)
    }

    /// The report, without its verdict.
    pub fn report(&self) -> Report {
        let (outcome, outcome_reason) = self.outcome();
        Report {
            schema_version: SCHEMA_VERSION,
            tool_version: self.tool_version.clone(),
            started_at: self.started_at.clone(),
            outcome,
            outcome_reason,
            in_turns_since: self.in_turns_since.clone(),
            scenario: self.scenario.clone(),
            environment: self.environment.clone(),
            dataset: self.dataset.clone(),
            runs: self.recordings.iter().map(Run::from_recording).collect(),
            verdict: Verdict::default(),
            warnings: [self.warnings.clone(), self.environment.unsafe_settings()].concat(),
        }
    }

    /// The worst of all runs', and why.
    fn outcome(&self) -> (Outcome, Option<String>) {
        let ends = self
            .recordings
            .iter()
            .map(|recording| &recording.ended)
            .chain(&self.ended_early);
        let worst = ends
            .map(|ended| (rank(ended), ended))
            .max_by_key(|(rank, _)| *rank);
        match worst {
            Some((_, Ended::Aborted(reason))) => (Outcome::Aborted, Some(reason.clone())),
            Some((_, Ended::Interrupted)) => {
                let done = self
                    .recordings
                    .iter()
                    .filter(|r| rank(&r.ended) < 2)
                    .count();
                let reason = format!("{done} of {} runs were complete", self.runs_planned);
                (Outcome::Interrupted, Some(reason))
            }
            Some((_, Ended::MigrationFailed)) => (Outcome::MigrationFailed, self.first_failure()),
            Some((_, Ended::Completed)) if self.is_complete() => (Outcome::Completed, None),
            _ => {
                let reason = format!(
                    "{} of {} runs recorded",
                    self.recordings.len(),
                    self.runs_planned
                );
                (Outcome::Aborted, Some(reason))
            }
        }
    }

    fn first_failure(&self) -> Option<String> {
        let steps = self
            .recordings
            .iter()
            .flat_map(|recording| &recording.steps);
        let mut errors = steps.filter_map(|step| Some((step, step.error.as_ref()?)));
        errors.next().map(|(step, error)| {
            let state = error.sqlstate.map(|state| format!("{state} "));
            let (name, state) = (&step.name, state.unwrap_or_default());
            format!("{name}: {state}{}{}", error.message, among_sessions(step))
        })
    }
}

/// `, in 2 of the 3 sessions that ran it`, if there were several.
fn among_sessions(step: &StepRecord) -> String {
    let tries = step.tries.iter();
    let last: BTreeMap<u32, bool> = tries
        .map(|one| (one.migrator, one.error.is_some()))
        .collect();
    let failed = last.values().filter(|failed| **failed).count();
    match last.len() {
        0 | 1 => String::new(),
        all => format!(", in {failed} of the {all} sessions that ran it"),
    }
}

fn rank(ended: &Ended) -> u8 {
    match ended {
        Ended::Completed => 0,
        Ended::MigrationFailed => 1,
        Ended::Interrupted => 2,
        Ended::Aborted(_) => 3,
    }
}

impl Environment {
    /// What production has and this server had not, with what that does to the figures.
    fn unsafe_settings(&self) -> Vec<String> {
        let makes = [
            (
                "fsync",
                "nothing waits for the disk, and every write looks faster than it is",
            ),
            (
                "full_page_writes",
                "there is less WAL, and a write after a checkpoint looks faster than it is",
            ),
            (
                "synchronous_commit",
                "no COMMIT waits for the disk, and every write looks faster than it is",
            ),
            (
                "autovacuum",
                "nothing but the migration and the traffic is at work on the tables",
            ),
        ];
        makes
            .into_iter()
            .filter(|(name, _)| self.settings.get(*name).is_some_and(|value| value == "off"))
            .map(|(name, what)| format!("measured without {name}, which is off: {what}"))
            .collect()
    }

    fn of_this_machine() -> Environment {
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get());
        let memory = rustix::system::sysinfo();
        Environment {
            provider: None,
            postgres_version: None,
            settings: Default::default(),
            settings_brought: Default::default(),
            settings_ignored: Vec::new(),
            os_cache: None,
            cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
            memory_bytes: memory.totalram as u64 * u64::from(memory.mem_unit),
        }
    }
}
