//! The report: the JSON document that everything after the rehearsal reads. The product's contract.
//!
//! Times are milliseconds, sizes bytes, moments milliseconds since the recording's start.

mod step;
mod tries;
mod locks;
mod blocked;
mod load;
mod rehearsal;
mod run;
mod document;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::postgres::{LockMode, RelationKind, RelationName, SqlState, Version};
use crate::provision::{OsCache, Provider};
use crate::rehearse::workload::QueryKind;

pub use crate::rehearse::recording::{Phase, StepKind};
pub use document::{ReadError, schema};
pub use load::{Lag, LoadFigures, LoadPhase};
pub use rehearsal::Rehearsal;
pub use step::{CommandEnd, Statement, Step, StepError, Try};

/// The version of this document's shape. Grows by one when a reader of the old shape would be misled.
pub const SCHEMA_VERSION: u32 = 1;

/// What one rehearsal of a scenario found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub schema_version: u32,
    pub tool_version: String,
    /// When the first run started, RFC 3339 in UTC.
    pub started_at: String,
    pub outcome: Outcome,
    /// Why the outcome is not `completed`, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_reason: Option<String>,
    /// When its runs began to take turns with those of another report, which says the same. Absent
    /// where they took no turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_turns_since: Option<String>,
    pub scenario: ScenarioFacts,
    pub environment: Environment,
    pub dataset: DatasetFacts,
    pub runs: Vec<Run>,
    pub verdict: Verdict,
    /// What a reader must know before trusting the numbers, such as sources that disagree.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// How a rehearsal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step of every run ended well.
    Completed,
    /// A statement of the migration failed: a result, with the statement in its step's `error`.
    MigrationFailed,
    /// Ctrl-C or SIGTERM; what was measured until then is here.
    Interrupted,
    /// The harness could not go on, such as when the server died.
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioFacts {
    pub name: String,
    pub title: String,
    /// Changes when anything changes that determines what is rehearsed: scripts, queries, load, steps.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Absent when the rehearsal ended before there was a server.
    pub provider: Option<Provider>,
    /// Of the first run; each run has its own in `postgres`.
    pub postgres_version: Option<Version>,
    /// The server's settings that differ from their defaults or that matter to the figures.
    pub settings: BTreeMap<String, String>,
    /// What the user brought, as it was written: by `--settings`, `--set` or the scenario. What became of it
    /// is in `settings`.
    #[serde(default)]
    pub settings_brought: BTreeMap<String, String>,
    /// Names in the file of `--settings` that are for the rehearsal itself to set.
    #[serde(default)]
    pub settings_ignored: Vec<String>,
    /// What the operating system held of the server's files when it started; absent where it is not ours.
    #[serde(default)]
    pub os_cache: Option<OsCache>,
    /// Processors the harness sees.
    pub cpus: u32,
    pub memory_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetFacts {
    pub name: String,
    pub hash: String,
    /// Rows per table, exact, as seeded.
    pub rows: BTreeMap<String, u64>,
    /// Size of the seeded database.
    pub bytes: u64,
}

/// One run on a fresh clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The server's version.
    pub postgres: Version,
    pub outcome: Outcome,
    pub phases: Vec<PhaseSpan>,
    pub steps: Vec<Step>,
    /// Locks on relations that existed before the migration, and on those it created.
    pub locks: Vec<Lock>,
    pub blocked: Blocked,
    /// One entry per phase, application version and query.
    pub traffic: Vec<Traffic>,
    /// One entry per phase and kind, over all queries.
    pub traffic_totals: Vec<TrafficTotal>,
    /// How the traffic was made; absent in old reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadFigures>,
    pub timeline: Timeline,
    /// From the end of the last step until latency was back at its baseline; absent when it did not
    /// come back before the recovery phase ended.
    pub recovery_ms: Option<f64>,
    /// What else ran, as the scenario asked for.
    #[serde(default)]
    pub adversaries: Vec<Adversary>,
    /// What a failed migration left behind, in words: "invalid index public.i on public.orders".
    #[serde(default)]
    pub left_behind: Vec<String>,
    #[serde(default)]
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseSpan {
    pub phase: Phase,
    pub start_ms: f64,
    pub end_ms: f64,
}

/// What else ran on the database while it was migrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Adversary {
    /// What it was, in words: "idle in transaction".
    pub what: String,
    /// The statement that its transaction ran, if the scenario gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// When it was in place.
    pub start_ms: f64,
    /// When it was gone; absent if the rehearsal ended first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<f64>,
}

/// How a number was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Grade {
    /// A time stamp on both ends.
    Exact,
    /// A sample on each side; the number is off by at most `width_ms`.
    Bracketed { width_ms: f64 },
    /// Computed from other numbers.
    Derived,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lock {
    pub relation: RelationName,
    pub relation_kind: RelationKind,
    /// The table that an index or a toast table belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<RelationName>,
    pub mode: LockMode,
    /// Which of the migration's connections took it, from 0, as in `tries`: each migrate step connects anew.
    #[serde(default)]
    pub session: usize,
    /// Index of the step in `steps`, and of the statement in it that took the lock.
    pub step: usize,
    pub statement: usize,
    /// Which of the session's tries of the step it was, from 1.
    #[serde(default = "step::first")]
    pub try_number: u32,
    /// When it was asked for.
    pub request_ms: f64,
    /// From request to grant.
    pub wait_ms: f64,
    /// From grant to release; 0 for a lock that was never granted.
    pub hold_ms: f64,
    /// From request to release: a waiting lock blocks whoever comes after it.
    pub span_ms: f64,
    /// False for a lock that was waited for in vain.
    pub granted: bool,
    pub grade: Grade,
    pub blocks_reads: bool,
    pub blocks_writes: bool,
    /// The migration itself created the relation: the lock hurt nobody.
    pub created_here: bool,
}

/// Queries of the workload that waited for a lock which the migration held or queued for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    pub queries: u64,
    pub reads: u64,
    pub writes: u64,
    /// Of `queries`: those behind a table lock that the migration held.
    pub by_held: u64,
    /// Of `queries`: those behind a table lock that the migration itself still waited for.
    pub by_queued: u64,
    /// Of `queries`: those behind a row that the migration had changed.
    pub by_row: u64,
    /// Of `queries`: those behind anything else of the migration's, such as an advisory lock.
    #[serde(default)]
    pub by_other: u64,
    pub longest_ms: f64,
    pub total_ms: f64,
    pub grade: Grade,
    /// Where the count comes from, in words: "the server's log, waits longer than 10 ms".
    pub source: String,
    pub by_statement: Vec<BlockedByStatement>,
    pub by_query: Vec<BlockedQuery>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedByStatement {
    pub step: usize,
    pub statement: usize,
    pub queries: u64,
    pub longest_ms: f64,
    pub total_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedQuery {
    pub app: String,
    pub query: String,
    pub kind: QueryKind,
    pub queries: u64,
    pub longest_ms: f64,
    pub total_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    pub phase: Phase,
    pub app: String,
    pub query: String,
    pub kind: QueryKind,
    #[serde(flatten)]
    pub figures: TrafficFigures,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficTotal {
    pub phase: Phase,
    pub kind: QueryKind,
    #[serde(flatten)]
    pub figures: TrafficFigures,
}

/// A query belongs to the migration phase if any part of its life did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficFigures {
    /// Queries that came back, well or with an error.
    pub count: u64,
    /// Arrivals that found no free connection.
    pub delayed: u64,
    /// Queries that had not come back when the run ended.
    pub censored: u64,
    /// Errors by SQLSTATE.
    pub errors: BTreeMap<SqlState, u64>,
    /// From the scheduled arrival to the answer. Absent when no query came back.
    pub latency_ms: Option<Latency>,
    /// The longest time in which no query of the class completed.
    pub stall_ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// Reads and writes over time. All series have the same length; entry i covers
/// `start_ms + i * interval_ms` and `interval_ms` from there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    pub start_ms: f64,
    pub interval_ms: f64,
    pub reads: Series,
    pub writes: Series,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Queries that came back in the interval, errors among them.
    pub completed: Vec<u64>,
    pub errors: Vec<u64>,
    /// Latencies of those that came back; null where none did.
    pub p50_ms: Vec<Option<f64>>,
    pub p99_ms: Vec<Option<f64>>,
    pub max_ms: Vec<Option<f64>>,
    /// Queries scheduled but not yet back at the interval's end.
    pub waiting: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    pub passed: bool,
    pub checks: Vec<Check>,
}

/// One limit of the budget. Over several runs, `measured` is the worst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The budget's key, such as `blocked_writes`.
    pub name: String,
    /// The unit of `limit` and `measured`: "ms", "bytes", "ratio" or "" for a count; "runs" where at
    /// least `limit` runs are needed, not at most.
    pub unit: String,
    pub limit: f64,
    /// Absent when the rehearsal ended before it could be measured: then it has not passed.
    pub measured: Option<f64>,
    pub passed: bool,
}
