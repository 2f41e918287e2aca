//! From what was typed and written to what will happen: everything is decided and checked here.

pub mod budget;
pub mod duration;
pub mod scenario;
pub mod find;
pub mod statement;
pub mod catalogue;
pub mod names;
pub mod traffic;
pub mod derive;
pub mod written;
pub mod pgbench;
pub mod load;
pub mod settings;
pub mod steps;
pub mod adversaries;
pub mod limits;
pub mod arguments;
pub mod since;
pub mod repository;
pub mod derived;
pub mod resolve;
pub mod explain;
pub mod init;
pub mod seed;

use std::path::PathBuf;

pub use self::seed::SeedPlan;
pub use budget::Budget;
pub use derived::Derived;
pub use explain::explain;
pub use repository::repository_schema;
pub use scenario::scenario_schema;

use crate::input::Problems;
use crate::{cli, provision, rehearse};

/// The version that runs before the migration.
pub const FIRST_APP: &str = "v1";
/// What a repository's own migrations are made for.
const SECOND_APP: &str = "v2";

/// Where servers come from, for commands that rehearse nothing.
pub fn provision_spec(args: &cli::Server) -> Result<provision::Spec, Problems> {
    let mut problems = Vec::new();
    let spec = arguments::provision(args, &mut problems);
    if problems.is_empty() {
        Ok(spec)
    } else {
        Err(Problems(problems))
    }
}

/// What will happen, with nothing left to decide. One scenario on one or several versions of Postgres.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario's directory name, which names its reports.
    pub name: String,
    pub title: String,
    /// What it shows and why.
    pub about: String,
    /// Changes when anything changes that determines what is rehearsed.
    pub hash: String,
    /// `scenario.toml`, or the directory of the migrations.
    pub path: PathBuf,
    pub provision: provision::Spec,
    /// The versions to run on; `None` is whichever the provider has.
    pub majors: Vec<Option<u16>>,
    pub seed: crate::seed::Spec,
    pub rehearse: rehearse::Spec,
    /// What the server is to run with that the user brought.
    pub settings: provision::Brought,
    pub budget: Budget,
    /// Runs on each version, each from a fresh clone.
    pub runs: u32,
    /// What is to become of the traffic, if it is to be derived from the schema.
    pub derived: Option<Derived>,
    /// The scenario that it is compared with and takes turns with, run by run.
    pub against: Option<Box<Plan>>,
    /// The directory that gets `report.json`.
    pub out: PathBuf,
}
