//! The traffic: application versions, their queries, and how often they come.

mod param;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seed::generators::GeneratorSpec;

/// How the traffic arrives, and how long each phase lasts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Load {
    pub arrivals_per_s: f64,
    pub connections: usize,
    /// Left out where it is the default: what is rehearsed then has the hash that it had before there was a choice.
    #[serde(skip_serializing_if = "Protocol::is_default")]
    pub protocol: Protocol,
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

/// How the load sends its queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Prepared once per connection; parameters travel beside the text.
    #[default]
    Prepared,
    /// The simple protocol, parameters as literals in the text: as behind pgbouncer in transaction mode.
    Simple,
}

impl Protocol {
    /// What a person is told of it.
    pub fn in_words(self) -> &'static str {
        match self {
            Protocol::Prepared => "prepared statements",
            Protocol::Simple => "simple protocol, parameters as literals",
        }
    }

    fn is_default(&self) -> bool {
        *self == Protocol::default()
    }
}

/// The comment that a query sent by the simple protocol begins with: its text alone differs each time.
pub fn mark(app: &str, query: &str) -> String {
    format!(
        "/* {} */",
        format!("{app}.{query}")
            .replace("*/", "* /")
            .replace("/*", "/ *")
    )
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
    Migrate(Migrate),
    Command(Command),
    Deploy { app: String, overlap: Duration },
    Wait(Duration),
}

/// A program that migrates by itself, traced on its way to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// For the shell.
    pub line: String,
    /// Where it runs.
    pub dir: PathBuf,
    /// It is ended after this time.
    pub limit: Duration,
}

/// A script, and what its session does about locks that it does not get.
#[derive(Clone, Debug)]
pub struct Migrate {
    pub script: crate::migrations::Script,
    /// The session's `lock_timeout`; `None` for the role's own, which waits for ever.
    pub lock_timeout: Option<Duration>,
    /// How often it is tried again after a lock timeout or a deadlock.
    pub retries: u32,
    /// The pause before the first retry; each further one is twice as long, up to [`BACKOFF_MAX`].
    pub backoff: Duration,
}

/// No pause between two tries is longer.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);

impl Migrate {
    /// The pause after a failed try, counted from 1.
    pub fn pause_after(&self, tried: u32) -> Duration {
        let factor = 2_u32.saturating_pow(tried.saturating_sub(1));
        self.backoff.saturating_mul(factor).min(BACKOFF_MAX)
    }
}

/// Something else that runs on the database when the migration starts.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(deny_unknown_fields)]
pub enum Adversary {
    /// A transaction that has read and does nothing, but stays open.
    IdleInTransaction {
        /// The statement that its transaction runs before it holds still.
        sql: String,
        /// How long its transaction stays open after the first step has begun, in milliseconds.
        hold_ms: u64,
    },
    /// A backup as pg_dump makes it: one REPEATABLE READ, READ ONLY transaction that takes an AccessShareLock on
    /// every table and then copies one table after the other out, again and again until its time is over.
    Snapshot {
        /// How long it goes on after the first step has begun, in milliseconds.
        hold_ms: u64,
    },
    /// A REPEATABLE READ transaction that has written and stays open. On a table that the migration does not touch it
    /// is in nobody's way but of those who wait for every older snapshot, as CREATE INDEX CONCURRENTLY does, and of
    /// VACUUM, which keeps every row that it may still see.
    LongTransaction {
        /// The statement that it writes with.
        sql: String,
        /// How long its transaction stays open after the first step has begun, in milliseconds.
        hold_ms: u64,
    },
    /// What an autovacuum to prevent wraparound is to a lock request: a ShareUpdateExclusiveLock that the deadlock
    /// timer of the waiting session does not cancel. It is a VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) by hand, slowed
    /// as far as `vacuum_cost_delay` goes and cancelled when its time is over. An autovacuum itself cannot be made to
    /// come at a given moment. On a table of a few pages it ends earlier: it sleeps a tenth of a second a page.
    WraparoundVacuum {
        /// The table, as `table` or `schema.table`.
        table: String,
        /// How long it goes on after the first step has begun, in milliseconds.
        hold_ms: u64,
    },
    /// Further sessions that run every `migrate` step at the same moment as the step itself, as when several
    /// replicas of an application start and each runs its migrations. Their locks count as the migration's; the step
    /// fails if one of them does.
    Migrators {
        /// How many beside the step's own.
        count: u32,
    },
}

impl Adversary {
    /// What it is, in words.
    pub fn in_words(&self) -> String {
        match self {
            Adversary::IdleInTransaction { .. } => "idle in transaction".to_owned(),
            Adversary::Snapshot { .. } => "snapshot of all tables, as pg_dump takes it".to_owned(),
            Adversary::LongTransaction { .. } => "long transaction that has written".to_owned(),
            Adversary::WraparoundVacuum { table, .. } => {
                format!("vacuum of {table} as if to prevent wraparound")
            }
            Adversary::Migrators { count: 1 } => "1 more session that migrates".to_owned(),
            Adversary::Migrators { count } => format!("{count} more sessions that migrate"),
        }
    }

    /// The statement that its transaction runs.
    pub fn sql(&self) -> Option<&str> {
        match self {
            Adversary::IdleInTransaction { sql, .. } | Adversary::LongTransaction { sql, .. } => {
                Some(sql)
            }
            _ => None,
        }
    }

    /// How long it stays after the first step has begun; `None` where that is not up to it.
    pub fn hold_ms(&self) -> Option<u64> {
        match self {
            Adversary::IdleInTransaction { hold_ms, .. }
            | Adversary::Snapshot { hold_ms }
            | Adversary::LongTransaction { hold_ms, .. }
            | Adversary::WraparoundVacuum { hold_ms, .. } => Some(*hold_ms),
            Adversary::Migrators { .. } => None,
        }
    }
}

impl Spec {
    /// Sessions that run each `migrate` step beside its own.
    pub fn further_migrators(&self) -> usize {
        let count = |adversary: &Adversary| match adversary {
            Adversary::Migrators { count } => *count as usize,
            _ => 0,
        };
        self.adversaries.iter().map(count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_as_long_as_the_one_before_up_to_a_minute() {
        let path = std::path::Path::new("up.sql");
        let migrate = Migrate {
            script: crate::migrations::Script::parse("SELECT 1", path, "up.sql").unwrap(),
            lock_timeout: None,
            retries: 99,
            backoff: Duration::from_millis(100),
        };
        let pauses = [1, 2, 3, 4, 10, 11, 99].map(|tried| migrate.pause_after(tried).as_millis());
        assert_eq!(pauses, [100, 200, 400, 800, 51_200, 60_000, 60_000]);
    }
}
