//! The traffic: application versions, their queries, and how often they come.

mod param;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seed::generators::GeneratorSpec;

/// How the traffic arrives, and how long each phase lasts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Load {
    pub arrivals_per_s: f64,
    pub connections: usize,
    /// Traffic before the baseline that is not measured.
    pub warmup: Duration,
    pub baseline: Duration,
    /// The shortest time of traffic after the last step.
    pub recovery: Duration,
    /// The longest time to wait for latency to come back to its baseline.
    pub recovery_limit: Duration,
    /// Determines arrivals, the order of queries and their parameters.
    pub seed: u64,
}

/// A version of the application: queries with weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct App {
    pub name: String,
    /// The team that has to be asked when this version breaks.
    pub owner: Option<String>,
    pub queries: Vec<Query>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Query {
    pub name: String,
    pub kind: QueryKind,
    pub weight: f64,
    pub sql: String,
    pub params: Vec<Param>,
}

/// Whether a query only reads. `SELECT … FOR UPDATE` writes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum QueryKind {
    Read,
    Write,
}

/// Where the value of a query's parameter comes from.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Param {
    /// A value that a column holds: `{ column = "orders.id", skew = 0.9 }`.
    Column(ColumnParam),
    /// A made value, as in a dataset: `{ int = { min = 1, max = 9 } }`.
    Made(GeneratorSpec),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnParam {
    /// `table.column` or `schema.table.column`.
    pub column: String,
    /// 0: every value is as likely; 1: Zipf's law, a few values are asked for most of the time.
    #[serde(default)]
    pub skew: f64,
}

/// What a rehearsal is made of.
#[derive(Clone, Debug)]
pub struct Spec {
    pub load: Load,
    /// The versions by name; traffic starts with `first_app`.
    pub apps: BTreeMap<String, App>,
    pub first_app: String,
    pub steps: Vec<Step>,
    pub adversaries: Vec<Adversary>,
    /// What the database is filled with: made parameters may refer to its tables.
    pub data: crate::seed::Spec,
}

/// One step of the migration phase.
#[derive(Clone, Debug)]
pub enum Step {
    Migrate(crate::migrations::Script),
    Deploy { app: String, overlap: Duration },
    Wait(Duration),
}

/// Something else that runs on the database when the migration starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adversary {
    pub kind: AdversaryKind,
    /// The statement that its transaction runs before it holds still.
    pub sql: String,
    /// How long its transaction stays open after the first step has begun, in milliseconds.
    pub hold_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdversaryKind {
    /// A transaction that has read and does nothing, but stays open.
    IdleInTransaction,
}
