//! `scenario.toml` and `workload.toml` as they are written. Nothing is decided here.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Budget;
use super::duration;
use super::settings::Written;
use crate::rehearse::workload::{Adversary, Param, Protocol, QueryKind};

/// One rehearsal on paper: what data, which traffic, what is done to it, and what it may cost.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pgrehearse scenario")]
pub struct ScenarioFile {
    /// One line that names the rehearsal.
    pub title: String,
    /// What it shows and why.
    #[serde(default)]
    pub about: String,
    /// The dataset: the name of a directory in `seeds/`, or a path relative to this file; or, with a path relative to
    /// this file, nothing but a schema or a dump: `{ schema = "db/schema.sql" }`, `{ snapshot = "prod.dump" }`.
    #[schemars(with = "DatasetForms")]
    pub dataset: DatasetFile,
    /// Rows of the dataset's main table; the other tables follow in proportion. Default: 1 000 000.
    pub rows: Option<u64>,
    /// Determines data, arrivals and parameters. Default: the dataset's own.
    pub seed: Option<u64>,
    /// A file with application versions, relative to this one. Default: the dataset's `workload.toml`.
    pub workload: Option<String>,
    /// How the traffic arrives, and how long each phase lasts.
    #[serde(default)]
    pub load: LoadFile,
    /// Application versions by name. `v1` is what runs before the migration.
    #[serde(default)]
    pub apps: BTreeMap<String, AppFile>,
    /// What is done, in this order.
    #[serde(default)]
    pub steps: Vec<StepFile>,
    /// What else runs on the database when the first step starts.
    #[serde(default)]
    #[schemars(with = "Vec<Adversary>")]
    pub adversaries: Vec<AdversaryFile>,
    /// Settings of the server, by name, as in postgresql.conf: `work_mem = "64MB"`. `--settings` and `--set`
    /// come before them.
    #[serde(default)]
    pub settings: BTreeMap<String, Written>,
    /// Limits that the report must keep.
    #[serde(default)]
    pub budget: Budget,
}

/// What a scenario runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatasetFile {
    Named(String),
    File(DatasetOfFile),
}

/// A dataset that is one file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatasetOfFile {
    /// SQL that creates the tables. What they hold is inferred.
    Schema(String),
    /// A dump of a database, in any format of pg_dump.
    Snapshot(String),
}

/// The forms of a [`DatasetFile`], for the JSON Schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only there to be described")]
enum DatasetForms {
    Named(String),
    File(DatasetOfFile),
}

impl<'de> Deserialize<'de> for DatasetFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DatasetFile, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = DatasetFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a dataset: \"shop\", { schema = \"db/schema.sql\" } or { snapshot = \"prod.dump\" }",
                )
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<DatasetFile, E> {
                Ok(DatasetFile::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DatasetFile, A::Error> {
                DatasetOfFile::deserialize(MapAccessDeserializer::new(map)).map(DatasetFile::File)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

/// How the traffic arrives, and how long each phase lasts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadFile {
    /// Queries per second that arrive whatever the server does. Default: 400.
    pub arrivals_per_s: Option<f64>,
    /// Connections that they share. Default: 32.
    pub connections: Option<usize>,
    /// How queries are sent. Default: prepared.
    pub protocol: Option<Protocol>,
    /// Traffic before the baseline that is not measured. Default: 2s.
    pub warmup: Option<duration::Written>,
    /// Traffic before the first step, to compare with. Default: 5s.
    pub baseline: Option<duration::Written>,
    /// The shortest time of traffic after the last step. Default: 3s.
    pub recovery: Option<duration::Written>,
    /// The longest time to wait for latency to come back to its baseline. Default: 30s.
    pub recovery_limit: Option<duration::Written>,
}

/// `workload.toml`: the application versions of a dataset.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFile {
    /// Application versions by name. `v1` is what runs before the migration.
    pub apps: BTreeMap<String, AppFile>,
}

/// A version of the application.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppFile {
    /// The team that has to be asked when this version breaks.
    pub owner: Option<String>,
    /// The version whose queries this one has too, unless it has one of the same name.
    pub extends: Option<String>,
    #[serde(default)]
    pub queries: Vec<QueryFile>,
}

/// A query of the workload: one statement, prepared once per connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryFile {
    /// What reports call it. No two queries of a version share a name.
    pub name: String,
    /// How often it comes, in proportion to the others' weights. Default: 1.
    pub weight: Option<f64>,
    /// The statement, with `$1`, `$2` for its parameters.
    pub sql: String,
    /// Where the values of `$1`, `$2` come from, in this order.
    #[serde(default)]
    pub params: Vec<Param>,
    /// Whether it only reads. Default: what its SQL says.
    pub kind: Option<QueryKind>,
}

/// One step: exactly one of `migrate`, `deploy` and `wait`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// Run this script, a path relative to the scenario.
    pub migrate: Option<String>,
    /// With `migrate`: the session's `lock_timeout` in milliseconds, as if the script began with SET lock_timeout.
    /// Default: none, a lock is waited for until it comes.
    pub lock_timeout_ms: Option<u64>,
    /// With `migrate`: how often the script is tried again after a lock timeout (55P03) or a deadlock (40P01). It goes
    /// on after what is committed already: from the statement that failed, or from the beginning of the
    /// transaction that it failed in, which may be the whole script. Any other error ends the step. Default: 0.
    pub retries: Option<u32>,
    /// With `retries`: the pause before the first retry in milliseconds; each further pause is twice as long, up to
    /// a minute. Default: 100.
    pub backoff_ms: Option<u64>,
    /// Let this application version take over from the one that runs.
    pub deploy: Option<String>,
    /// With `deploy`: how long both versions run side by side. Default: 0s.
    pub overlap: Option<duration::Written>,
    /// Let the traffic run on for this long.
    pub wait: Option<duration::Written>,
}

/// Something else that runs on the database, with the keys of every kind: which of them belong together is decided when
/// it is resolved, so that each mistake has its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdversaryFile {
    pub kind: AdversaryKind,
    pub sql: Option<String>,
    pub table: Option<String>,
    pub hold_ms: Option<u64>,
    pub count: Option<u32>,
}

/// The kinds of [`Adversary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdversaryKind {
    IdleInTransaction,
    Snapshot,
    LongTransaction,
    WraparoundVacuum,
    Migrators,
}

/// The JSON Schema of `scenario.toml`.
pub fn scenario_schema() -> serde_json::Value {
    schemars::schema_for!(ScenarioFile).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_describes_every_key_of_a_scenario() {
        let schema = scenario_schema();
        let properties = schema["properties"].as_object().unwrap();
        for key in [
            "title",
            "about",
            "dataset",
            "rows",
            "seed",
            "workload",
            "load",
            "apps",
            "steps",
            "adversaries",
            "settings",
            "budget",
        ] {
            assert!(properties.contains_key(key), "{key}");
        }
        assert_eq!(
            schema["$defs"]["LoadFile"]["properties"]["connections"]["description"],
            "Connections that they share. Default: 32."
        );
        assert_eq!(schema["additionalProperties"], false);
    }
}
