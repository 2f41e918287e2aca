//! `compare`: two reports side by side; exit code 1 if anything got worse.

use super::{Exit, Failure, output};
use crate::cli;
use crate::compare::{Comparison, DEFAULT_THRESHOLD};
use crate::input::{Problem, Problems};

pub(super) fn compare(args: &cli::Compare) -> Result<Exit, Failure> {
    let format = output::format(&args.format)?;
    let base = output::read_report(&args.base)?;
    let head = output::read_report(&args.head)?;
    let threshold = args.threshold.unwrap_or(DEFAULT_THRESHOLD);
    if !(threshold.is_finite() && threshold >= 1.0) {
        let problem = Problem::argument("--threshold", threshold, "must be at least 1");
        return Err(Problems::from(problem).into());
    }
    let comparison = Comparison::of(&base, &head, threshold);
    output::print(&(format.comparison)(&comparison, output::look()));
    Ok(if comparison.got_worse() {
        Exit::Broken
    } else {
        Exit::Kept
    })
}
