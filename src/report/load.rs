//! How the load itself fared: whether it kept its schedule, and what its connections did after errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rehearse::recording::{Latencies, LoadRecord, Phase, Recording};
use crate::rehearse::workload::Protocol;

/// How the traffic was made, and how that went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadFigures {
    pub protocol: Protocol,
    pub phases: Vec<LoadPhase>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadPhase {
    pub phase: Phase,
    /// From the scheduled arrival to the sending of the query, where a connection was free: how late the load
    /// itself was. It is part of every latency. Absent when no connection was free all along.
    pub schedule_lag_ms: Option<Lag>,
    /// Statements that an error such as 0A000 had spoiled, and that were prepared again.
    pub prepared_again: u64,
    /// Connections that broke.
    pub connections_lost: u64,
    /// Connections opened in place of those that broke.
    pub reconnects: u64,
    /// From the break to the new connection, the longest; 0 if there was none.
    pub reconnect_ms_max: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lag {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

/// What a recording says; `None` of one that was made before this was recorded.
pub(super) fn load(recording: &Recording) -> Option<LoadFigures> {
    (!recording.load.is_empty()).then(|| LoadFigures {
        protocol: recording.protocol,
        phases: recording.load.iter().map(phase).collect(),
    })
}

fn phase(record: &LoadRecord) -> LoadPhase {
    LoadPhase {
        phase: record.phase,
        schedule_lag_ms: lag(&record.lag_us),
        prepared_again: record.prepared_again,
        connections_lost: record.lost,
        reconnects: record.reconnects,
        reconnect_ms_max: record.reconnect_us_max as f64 / 1_000.0,
    }
}

fn lag(lag_us: &Latencies) -> Option<Lag> {
    let latency = super::run::latency(lag_us)?;
    Some(Lag {
        p50: latency.p50,
        p99: latency.p99,
        max: latency.max,
    })
}
