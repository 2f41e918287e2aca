//! How the traffic arrives: what is written, with the defaults for what is not.

use std::time::Duration;

use super::scenario::LoadFile;
use crate::input::{Place, Problem};
use crate::rehearse::workload::{Load, Protocol};

/// The load, checked for what no rehearsal can run with.
///
/// What was typed comes before what is written.
pub fn load(
    file: &LoadFile,
    typed: Option<Protocol>,
    seed: u64,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Load {
    let seconds = |written: Option<super::duration::Written>, default: u64| {
        written.map_or(Duration::from_secs(default), |written| written.0)
    };
    let load = Load {
        arrivals_per_s: file.arrivals_per_s.unwrap_or(400.0),
        connections: file.connections.unwrap_or(32),
        protocol: typed.or(file.protocol).unwrap_or_default(),
        warmup: seconds(file.warmup, 2),
        baseline: seconds(file.baseline, 5),
        recovery: seconds(file.recovery, 3),
        recovery_limit: seconds(file.recovery_limit, 30),
        seed,
    };
    if !load.arrivals_per_s.is_finite() || load.arrivals_per_s <= 0.0 {
        let problem = place.at("arrivals_per_s").problem("must be above 0");
        problems.push(problem.hint("leave it out for 400"));
    }
    if load.connections == 0 {
        let problem = place.at("connections").problem("must be at least 1");
        problems.push(problem.hint("leave it out for 32"));
    }
    if load.baseline.is_zero() {
        let message = "without a baseline there is nothing to compare with";
        problems.push(
            place
                .at("baseline")
                .problem(message)
                .hint("leave it out for 5s"),
        );
    }
    if load.recovery_limit < load.recovery {
        let key = match file.recovery_limit {
            Some(_) => "recovery_limit",
            None => "recovery",
        };
        let message = format!(
            "recovery takes at least {} and at most {}",
            super::duration::write(load.recovery),
            super::duration::write(load.recovery_limit)
        );
        problems.push(
            place
                .at(key)
                .problem(message)
                .hint("make recovery_limit the longer one"),
        );
    }
    load
}
