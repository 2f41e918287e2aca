//! `report`: renders reports again, from `report.json` or from `recordings.json`.

use super::{Exit, Failure, output};
use crate::cli;

pub(super) fn report(args: &cli::Report) -> Result<Exit, Failure> {
    let format = output::format(&args.format)?;
    for file in &args.files {
        let report = output::read_report(file)?;
        output::print(&(format.report)(&report, output::look()));
    }
    Ok(Exit::Kept)
}
