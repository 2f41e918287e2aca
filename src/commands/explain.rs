//! `explain`: prints the resolved plan and stops.

use super::{Exit, Failure, output};
use crate::cli;
use crate::plan::{self, Plan};

pub(super) fn explain(args: &cli::Run) -> Result<Exit, Failure> {
    let plans = Plan::resolve(args)?;
    let texts: Vec<String> = plans.iter().map(plan::explain).collect();
    output::print(&texts.join("\n"));
    Ok(Exit::Kept)
}
