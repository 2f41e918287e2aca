//! `compare`: two reports side by side; exit code 1 if anything got worse.

use super::{Exit, Failure, calibrate, output, progress};
use crate::cli;
use crate::compare::{self, Comparison, Terms};
use crate::input::{Problem, Problems};
use crate::provision;

pub(super) fn compare(args: &cli::Compare) -> Result<Exit, Failure> {
    let format = output::format(&args.format)?;
    let base = output::read_report(&args.base)?;
    let head = output::read_report(&args.head)?;
    if let Some(threshold) = args.threshold
        && !(threshold.is_finite() && threshold >= 1.0)
    {
        let problem = Problem::argument("--threshold", threshold, "must be at least 1");
        return Err(Problems::from(problem).into());
    }
    let cache_dir = args.cache_dir.clone();
    let cache_dir = cache_dir.unwrap_or_else(provision::default_cache_dir);
    let known = calibrate::known(&cache_dir, &progress::on_stderr());
    let terms = Terms {
        threshold: args.threshold,
        calibration: compare::fitting(&known, &base, &head),
    };
    let comparison = Comparison::of(&base, &head, terms);
    output::print(&(format.comparison)(&comparison, output::look()));
    Ok(if comparison.got_worse() {
        Exit::Broken
    } else {
        Exit::Kept
    })
}
