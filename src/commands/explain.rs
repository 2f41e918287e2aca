//! `explain`: prints the resolved plan and stops.

use super::{Exit, Failure, output};
use crate::cli;
use crate::plan::{self, Plan};

pub(super) fn explain(args: &cli::Run) -> Result<Exit, Failure> {
    let plans = Plan::resolve(args)?;
    let all = plans
        .iter()
        .flat_map(|plan| std::iter::once(plan).chain(plan.against.as_deref()));
    let texts: Vec<String> = all.map(plan::explain).collect();
    output::print(&texts.join("\n"));
    Ok(Exit::Kept)
}
