//! Limits that a report must keep. What is not set is not checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::postgres::LockMode;

/// Limits on one run; over several runs the worst counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Queries of the workload that waited for a lock the migration held or queued for.
    pub blocked_queries: Option<u64>,
    /// Of those, the reads.
    pub blocked_reads: Option<u64>,
    /// Of those, the writes.
    pub blocked_writes: Option<u64>,
    /// The longest time that one query was blocked.
    pub blocked_longest_ms: Option<f64>,
    /// The longest hold of a lock that blocks reads or writes on a relation that existed before.
    pub hold_ms: Option<f64>,
    /// The longest hold per lock mode: `hold_ms_by_mode = { AccessExclusiveLock = 500 }`.
    pub hold_ms_by_mode: BTreeMap<LockMode, f64>,
    /// The longest time from request to release of such a lock.
    pub span_ms: Option<f64>,
    /// Time of all steps together.
    pub duration_ms: Option<f64>,
    /// The longest time during the migration in which no read, or no write, completed.
    pub stall_ms: Option<f64>,
    /// p99 of the migration phase against that of the baseline, for reads and for writes.
    pub p99_ratio: Option<f64>,
    /// Queries of the workload that failed from the migration on.
    pub errors: Option<u64>,
    /// From the last step's end until latency was back at its baseline.
    pub recovery_ms: Option<f64>,
    /// WAL that the statements wrote.
    pub wal_bytes: Option<u64>,
}
