//! What a report says of a step: its script's tries, their statements, and why it failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StepKind;
use crate::postgres::SqlState;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    pub kind: StepKind,
    /// The script's file name, the application version, or the time waited.
    pub name: String,
    /// How the script is run, in words: "one transaction for the file".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    pub start_ms: f64,
    pub duration_ms: f64,
    /// What the last try of the step's own session failed with, else that of the first further migrator that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// The statements of all tries.
    #[serde(default)]
    pub statements: Vec<Statement>,
    /// Every try of the script by every session that ran it, in the order in which they began; of a command every
    /// connection that it opened.
    #[serde(default)]
    pub tries: Vec<Try>,
    /// What a command came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandEnd>,
}

/// What a command left beside its statements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandEnd {
    /// `null` if a signal ended it.
    pub exit_code: Option<i32>,
    /// What it printed, on stdout and stderr; of much the end.
    pub output: String,
    /// Connections that the proxy closed, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}

/// One try of a script. After a lock timeout or a deadlock it may be tried again, and the adversary `migrators`
/// lets several sessions run it at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Try {
    /// Which of the sessions that ran it, from 1, which is the step's own.
    pub migrator: u32,
    /// The same session as an index over those of all steps, as in `locks`.
    pub session: usize,
    /// Which try of this session, from 1.
    pub number: u32,
    pub start_ms: f64,
    pub duration_ms: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// Queries of the workload that waited for a lock which this try held or queued for.
    pub blocked_queries: u64,
    pub blocked_longest_ms: f64,
    pub blocked_total_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepError {
    pub sqlstate: Option<SqlState>,
    pub message: String,
    /// The statement's index in the step, from 0, and its line in the file.
    pub statement: Option<usize>,
    pub line: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// The session that ran it, and which of its tries this was, as in `tries`.
    #[serde(default = "first")]
    pub migrator: u32,
    #[serde(default = "first")]
    pub try_number: u32,
    /// From 0, in the order of the script.
    pub index: usize,
    /// The script that it stands in, where a tool runs several as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of the script where it starts, from 1.
    pub line: usize,
    pub sql: String,
    pub start_ms: f64,
    pub duration_ms: f64,
    /// Time it waited for locks itself.
    pub lock_wait_ms: f64,
    /// Tables it rewrote, by the server's own notices.
    pub rewrites: Vec<String>,
    /// Tables it read through to prove a constraint, by the server's own notices.
    pub scans: Vec<String>,
    /// WAL written while it ran, less the traffic's own rate; `derived`.
    pub wal_bytes: Option<u64>,
}

pub(super) fn first() -> u32 {
    1
}
