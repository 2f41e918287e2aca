//! What one run recorded: facts in the order of time. A report is computed from it, without a server.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::At;
use super::observe::catalogue::RelationFacts;
use super::observe::log::Wait;
use super::workload::{Protocol, QueryKind, mark};
use crate::postgres::{LockMode, SqlState, Version};

/// Everything that one run on one server recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Wall-clock time of moment 0, RFC 3339 in UTC.
    pub started_at: String,
    pub postgres: Version,
    pub settings: BTreeMap<String, String>,
    pub ended: Ended,
    pub phases: Vec<PhaseRecord>,
    pub steps: Vec<StepRecord>,
    /// Relations by object id, those that the migration created among them.
    pub relations: BTreeMap<u32, RelationFacts>,
    pub locks: Vec<LockRecord>,
    /// Process ids of the migration's connections.
    pub migration_pids: Vec<u32>,
    /// Waits for heavyweight locks from the server's log; `None` where it can't be read.
    pub logged_waits: Option<Vec<Wait>>,
    /// The load role's `deadlock_timeout`: shorter waits are not in the log.
    pub logged_waits_from_ms: Option<f64>,
    /// Waits that the sampler saw.
    pub sampled_waits: Vec<SampledWait>,
    pub sample_interval_ms: f64,
    /// The queries of all application versions, to know a logged statement by its text.
    pub queries: Vec<QueryRecord>,
    pub classes: Vec<ClassRecord>,
    pub totals: Vec<TotalRecord>,
    #[serde(default)]
    pub protocol: Protocol,
    /// How the load itself fared, by phase.
    #[serde(default)]
    pub load: Vec<LoadRecord>,
    pub intervals: Vec<IntervalRecord>,
    /// What else ran.
    #[serde(default)]
    pub adversaries: Vec<AdversaryRecord>,
    /// What a failed migration left behind, in words.
    pub left_behind: Vec<String>,
    pub warnings: Vec<String>,
}

impl Recording {
    /// A recording in which nothing has happened yet.
    pub fn blank(started_at: String, postgres: Version) -> Recording {
        Recording {
            started_at,
            postgres,
            settings: BTreeMap::new(),
            ended: Ended::Aborted("it did not begin".to_owned()),
            phases: Vec::new(),
            steps: Vec::new(),
            relations: BTreeMap::new(),
            locks: Vec::new(),
            migration_pids: Vec::new(),
            logged_waits: None,
            logged_waits_from_ms: None,
            sampled_waits: Vec::new(),
            sample_interval_ms: 0.0,
            queries: Vec::new(),
            classes: Vec::new(),
            totals: Vec::new(),
            protocol: Protocol::default(),
            load: Vec::new(),
            intervals: Vec::new(),
            adversaries: Vec::new(),
            left_behind: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The query with this text, or whose mark the text begins with.
    pub fn query_of(&self, sql: &str) -> Option<&QueryRecord> {
        let sql = sql.trim();
        self.queries.iter().find(|query| {
            query.sql.trim() == sql || sql.starts_with(&mark(&query.app, &query.name))
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryRecord {
    pub app: String,
    pub name: String,
    pub kind: QueryKind,
    pub sql: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Completed,
    MigrationFailed,
    Interrupted,
    Aborted(String),
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Baseline,
    Migration,
    Recovery,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    pub phase: Phase,
    pub start: At,
    pub end: At,
    /// WAL written by everyone from start to end.
    pub wal_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    Migrate,
    Command,
    Deploy,
    Wait,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub kind: StepKind,
    pub name: String,
    /// The transaction rule, in words.
    pub transaction: Option<String>,
    pub start: At,
    pub end: At,
    /// Why the step failed: what its own last try came to, else that of the first further migrator that failed.
    pub error: Option<StatementFailure>,
    /// The statements of all tries of all sessions.
    pub statements: Vec<StatementRecord>,
    /// Every try of a script, in the order in which they began; of a command every connection that it opened.
    #[serde(default)]
    pub tries: Vec<TryRecord>,
    /// What a command came to.
    #[serde(default)]
    pub command: Option<CommandRecord>,
}

/// What a command left beside its statements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// `None` if a signal ended it.
    pub exit_code: Option<i32>,
    /// What it printed, on stdout and stderr, in the order in which it came; of much the end.
    pub output: String,
    /// Connections that the proxy closed, and why.
    pub refused: Vec<String>,
}

impl StepRecord {
    /// The script came to its end in at least one of the sessions that ran it.
    pub fn has_landed(&self) -> bool {
        self.error.is_none() || self.tries.iter().any(|one| one.error.is_none())
    }

    /// The try that a statement belongs to.
    pub fn try_of(&self, statement: &StatementRecord) -> Option<&TryRecord> {
        let key = (statement.migrator, statement.try_number);
        self.tries
            .iter()
            .find(|one| (one.migrator, one.number) == key)
    }
}

/// One try of a script by one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TryRecord {
    /// From 1, which is the step's own session; the others are the adversary's.
    pub migrator: u32,
    /// From 1.
    pub number: u32,
    pub pid: u32,
    pub start: At,
    pub end: At,
    pub error: Option<StatementFailure>,
}

/// What an adversary did, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdversaryRecord {
    /// What it was, in words.
    pub what: String,
    /// The statement that its transaction ran, if a scenario gave one.
    pub sql: Option<String>,
    /// When it was in place.
    pub began: At,
    /// When it was gone; `None` if the rehearsal ended first.
    pub ended: Option<At>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatementFailure {
    pub sqlstate: Option<SqlState>,
    pub message: String,
    /// Index of the statement; `None` for the COMMIT.
    pub statement: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatementRecord {
    /// The session that ran it and which of its tries this was, both from 1.
    #[serde(default = "first")]
    pub migrator: u32,
    #[serde(default = "first")]
    pub try_number: u32,
    pub index: usize,
    /// The script that it stands in, where several are run as one.
    #[serde(default)]
    pub file: Option<String>,
    pub line: usize,
    pub sql: String,
    pub start: At,
    pub end: At,
    /// What the server said meanwhile at DEBUG1: rewrites, validating scans.
    pub notices: Vec<String>,
    /// WAL written by everyone from start to end.
    pub wal_bytes: Option<u64>,
}

fn first() -> u32 {
    1
}

/// A moment known to lie between two others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bracket {
    pub earliest: At,
    pub latest: At,
    /// The best estimate in between.
    pub likely: At,
}

impl Bracket {
    pub fn exact(at: At) -> Bracket {
        Bracket {
            earliest: at,
            latest: at,
            likely: at,
        }
    }

    /// Between two samples: the middle is off by half the width at most.
    pub fn between(earliest: At, latest: At) -> Bracket {
        let latest = latest.max(earliest);
        Bracket {
            earliest,
            latest,
            likely: At(earliest.0.midpoint(latest.0)),
        }
    }

    /// Somewhere up to `latest`, but in all likelihood at once.
    pub fn at_once(earliest: At, latest: At) -> Bracket {
        Bracket {
            earliest,
            latest: latest.max(earliest),
            likely: earliest,
        }
    }

    pub fn width_us(&self) -> u64 {
        self.latest.0 - self.earliest.0
    }
}

/// A lock of the migration on a relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LockRecord {
    /// The session that took it, an index into `migration_pids`.
    #[serde(default)]
    pub session: usize,
    pub relation: u32,
    pub mode: LockMode,
    pub step: usize,
    pub statement: usize,
    pub requested: Bracket,
    /// `None` for a lock that was waited for in vain.
    pub granted: Option<Bracket>,
    pub released: Bracket,
}

/// A wait as samples saw it: of another session for any lock, of the migration for anything but a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampledWait {
    pub pid: u32,
    /// The virtual transaction that waited: two waits of one query have the same.
    #[serde(default)]
    pub transaction: String,
    pub mode: Option<LockMode>,
    pub lock_type: String,
    pub relation: Option<u32>,
    /// Who held the lock or stood before it in the queue, at the first sample.
    pub blockers: Vec<u32>,
    pub started: Bracket,
    pub ended: Bracket,
    /// The name that the session goes by; `None` for the migration's own.
    #[serde(default)]
    pub application: Option<String>,
    /// The statement that waited, as far as the server keeps its text.
    pub query: Option<String>,
}

/// Latencies, sparse: (microseconds, count), ascending.
pub type Latencies = Vec<(u64, u64)>;

/// What was counted of a group of queries in a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub count: u64,
    pub delayed: u64,
    pub censored: u64,
    pub errors: BTreeMap<SqlState, u64>,
    pub latencies_us: Latencies,
    pub stall_us: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassRecord {
    pub phase: Phase,
    pub app: String,
    pub query: String,
    pub kind: QueryKind,
    pub counts: Counts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotalRecord {
    pub phase: Phase,
    pub kind: QueryKind,
    pub counts: Counts,
}

/// Whether the load kept to its schedule in a phase, and what its connections did after errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadRecord {
    pub phase: Phase,
    /// From the scheduled arrival to the sending of the query, of those that found a connection free: the load's
    /// own lateness.
    pub lag_us: Latencies,
    /// Statements that an error had spoiled and that were prepared again.
    pub prepared_again: u64,
    /// Connections that broke.
    pub lost: u64,
    /// Connections that were opened in place of those.
    pub reconnects: u64,
    /// From the break to the new connection, the longest.
    pub reconnect_us_max: u64,
}

/// One interval of the timeline; entry i covers `i * INTERVAL` from the recording's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IntervalRecord {
    pub reads: IntervalCounts,
    pub writes: IntervalCounts,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IntervalCounts {
    pub completed: u64,
    pub errors: u64,
    /// p50, p99 and maximum of the latencies of those that came back.
    pub latency_us: Option<[u64; 3]>,
    /// Scheduled but not back at the interval's end.
    pub waiting: u64,
}
