//! A rehearsal on disk: what was planned and recorded. The report is made from it, and can be made again.

use serde::{Deserialize, Serialize};

use super::{
    DatasetFacts, Environment, Outcome, Report, Run, SCHEMA_VERSION, ScenarioFacts, Verdict,
};
use crate::plan::Budget;
use crate::provision::{Manifest, Provider};
use crate::rehearse::Recording;
use crate::rehearse::clock::Clock;
use crate::rehearse::recording::Ended;

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
    pub fn opened(&mut self, provider: Provider) {
        self.environment.provider = Some(provider);
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
            warnings: self.warnings.clone(),
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
                let reason = format!(
                    "interrupted with {done} of {} runs complete",
                    self.runs_planned
                );
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
        errors.next().map(|(step, error)| match error.sqlstate {
            Some(sqlstate) => format!("{}: {sqlstate} {}", step.name, error.message),
            None => format!("{}: {}", step.name, error.message),
        })
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
    fn of_this_machine() -> Environment {
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get());
        let memory = rustix::system::sysinfo();
        Environment {
            provider: None,
            postgres_version: None,
            settings: Default::default(),
            cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
            memory_bytes: memory.totalram as u64 * u64::from(memory.mem_unit),
        }
    }
}
