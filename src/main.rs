//! The command line: what was typed goes to `commands`, its exit code comes back.

use std::process::ExitCode;

use clap::Parser;
use pgrehearse::{cli, commands};

#[tokio::main]
async fn main() -> ExitCode {
    commands::dispatch(cli::Cli::parse()).await.into()
}
