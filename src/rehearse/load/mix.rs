//! Which version and which query an arrival gets.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::dispatch::Job;
use super::{Arrival, Traffic};
use crate::rehearse::clock::At;
use crate::rehearse::workload::{App, QueryKind};

/// Draws a query for each arrival, by the weights of the version that has it.
pub(super) struct Mix {
    rng: SmallRng,
    /// Of each version's queries: the weights added up so far, and the kind.
    queries: Vec<Vec<(f64, QueryKind)>>,
    old: usize,
    new: usize,
    since: At,
    overlap: Duration,
}

impl Mix {
    pub(super) fn new(traffic: &Traffic) -> Mix {
        let add_up = |app: &App| {
            let mut sum = 0.0;
            let queries = app.queries.iter().map(|query| {
                sum += query.weight;
                (sum, query.kind)
            });
            queries.collect()
        };
        Mix {
            rng: SmallRng::seed_from_u64(traffic.load.seed ^ 0x5157),
            queries: traffic.apps.iter().map(add_up).collect(),
            old: 0,
            new: 0,
            since: At(0),
            overlap: Duration::ZERO,
        }
    }

    pub(super) fn deploy(&mut self, app: usize, now: At, overlap: Duration) {
        (self.old, self.new) = (self.new, app);
        (self.since, self.overlap) = (now, overlap);
    }

    /// The share of the traffic that the new version has.
    fn rolled_out(&self, at: At) -> f64 {
        if self.overlap.is_zero() {
            return 1.0;
        }
        at.since(self.since).as_secs_f64() / self.overlap.as_secs_f64()
    }

    /// The versions that have traffic.
    pub(super) fn arriving(&self, at: At) -> Vec<usize> {
        if self.rolled_out(at) < 1.0 {
            vec![self.old, self.new]
        } else {
            vec![self.new]
        }
    }

    pub(super) fn pick(&mut self, arrival: Arrival) -> Job {
        let app = if self.rng.random::<f64>() < self.rolled_out(arrival.scheduled) {
            self.new
        } else {
            self.old
        };
        let queries = &self.queries[app];
        let total = queries.last().map_or(0.0, |(sum, _)| *sum);
        let point = self.rng.random::<f64>() * total;
        let query = queries
            .partition_point(|(sum, _)| *sum <= point)
            .min(queries.len() - 1);
        Job {
            app,
            query,
            kind: queries[query].1,
            arrival,
            delayed: false,
        }
    }
}
