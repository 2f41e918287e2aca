//! One file per subcommand. Only here is anything printed, and only here is `Plan` taken apart.

pub mod exit;
mod progress;
mod stop;
mod run;
mod derive;
mod turns;
mod calibrate;
mod output;
mod explain;
mod report;
mod compare;
mod schema;
mod like;
mod seed;
mod clean;
mod workload;
mod init;

pub use exit::{Exit, Failure};

use crate::cli::{Cli, Command};

/// Does what was typed; the exit code says how it ended.
pub async fn dispatch(cli: Cli) -> Exit {
    let done = match &cli.command {
        Command::Run(args) => run::run(args).await,
        Command::Explain(args) => explain::explain(args),
        Command::Report(args) => report::report(args),
        Command::Compare(args) => compare::compare(args),
        Command::Calibrate(args) => calibrate::calibrate(args).await,
        Command::Workload(args) => workload::workload(args).await,
        Command::Init(args) => init::init(args),
        Command::Schema(args) => schema::schema(args),
        Command::Seed(args) => seed::seed(args).await,
        Command::Clean(args) => clean::clean(args).await,
    };
    done.unwrap_or_else(|failure| {
        progress::eprint_line(&format!("pgrehearse: {}", failure.message));
        failure.exit
    })
}
