//! What can be typed about a repository's own migrations.

use std::path::PathBuf;

use clap::Args;

/// A repository's own migrations, in place of a scenario.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Your own migrations")]
pub struct Repository {
    /// Rehearse the newest migration of this directory, on what all before it make
    #[arg(long, value_name = "DIR", conflicts_with_all = ["scenarios", "all", "only", "list", "against"])]
    pub migrations: Option<PathBuf>,
    /// The tool whose layout the directory has: goose, flyway, prisma … [default: recognised]
    #[arg(long, value_name = "TOOL")]
    pub layout: Option<String>,
    /// Rehearse the migrations that came since this commit, in their order: origin/main
    #[arg(long, value_name = "COMMIT")]
    pub since: Option<String>,
    /// A schema as SQL, or a dump, in place of the migrations before
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Fill the tables after this migration, and let the rows go through those between it and the rehearsed ones
    #[arg(long, value_name = "VERSION", conflicts_with = "base")]
    pub seed_at: Option<String>,
    /// A program that migrates, in place of the directory's scripts; it finds the server in DATABASE_URL and PG*
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["scenarios", "all", "only", "list", "against"])]
    pub command: Option<String>,
    /// End the command after this time [default: 30m]
    #[arg(long, value_name = "TIME", requires = "command")]
    pub command_limit: Option<String>,
    /// The traffic: a workload.toml, or scripts of pgbench as FILE.sql@WEIGHT [default: derived from the schema]
    #[arg(long, value_name = "FILE")]
    pub workload: Vec<String>,
    /// Write the derived traffic to a workload.toml
    #[arg(long, value_name = "FILE", conflicts_with = "workload")]
    pub write_workload: Option<PathBuf>,
}

/// What a repository's file is to be about.
#[derive(Clone, Debug, Default, Args)]
pub struct Init {
    /// The directory of the migrations [default: looked for]
    #[arg(long, value_name = "DIR")]
    pub migrations: Option<PathBuf>,
    /// Overwrite a pgrehearse.toml that is there
    #[arg(long)]
    pub force: bool,
}

/// Where the traffic is read, and where it goes.
#[derive(Clone, Debug, Default, Args)]
pub struct Workload {
    /// The database, which is only read: postgres://user@host/database
    #[arg(long, value_name = "URL", hide_env_values = true)]
    pub from: String,
    /// The new file [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
