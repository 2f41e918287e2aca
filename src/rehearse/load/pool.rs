//! What the load's connections do after an error, as the pool of an application does: the only place that decides it.
//!
//! | Error | What happens |
//! |---|---|
//! | 0A000, 26000, and class 42, such as an undefined column | the statement no longer fits the schema: it is prepared again at its next use |
//! | any other of the server's, such as 57014, 55P03, 40P01, 23505 | connection and statement are used again |
//! | FATAL, such as 57P01, or a connection that breaks (08006) | connected again, every 100 ms until it succeeds; statements are prepared at their next use |
//!
//! In each case the query has failed and is counted with its SQLSTATE: nothing is sent twice, and the load goes on.
//! A connection that breaks while it is idle is noticed by the next query on it, as in a pool that does not test
//! what it hands out.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::tally::{histogram, sparse};
use super::wire::Failure;
use crate::rehearse::recording::{LoadRecord, Phase};

/// Time between two attempts to connect again.
pub(super) const RECONNECT: Duration = Duration::from_millis(100);

/// What is done before the connection's next query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    Nothing,
    PrepareAgain,
    Reconnect,
}

impl Remedy {
    pub(super) fn after(failure: Failure) -> Remedy {
        let code = failure.sqlstate.as_str();
        if failure.is_broken {
            Remedy::Reconnect
        } else if matches!(code, "0A000" | "26000") || code.starts_with("42") {
            Remedy::PrepareAgain
        } else {
            Remedy::Nothing
        }
    }
}

/// Something that a connection did, or how late it began.
#[derive(Clone, Copy, Debug)]
pub(super) enum Note {
    /// A query was sent so long after its time though a connection was free.
    Sent(Duration),
    PreparedAgain,
    Lost,
    Reconnected(Duration),
}

/// Counts the notes of each phase.
#[derive(Default)]
pub(super) struct PoolTally(BTreeMap<Phase, PhaseTally>);

struct PhaseTally {
    lag_us: Histogram<u32>,
    record: LoadRecord,
}

impl PoolTally {
    pub(super) fn note(&mut self, phase: Phase, note: Note) {
        let tally = self.0.entry(phase).or_insert_with(|| PhaseTally {
            lag_us: histogram(),
            record: LoadRecord::blank(phase),
        });
        let us = |span: Duration| span.as_micros() as u64;
        match note {
            Note::Sent(lag) => tally.lag_us.saturating_record(us(lag)),
            Note::PreparedAgain => tally.record.prepared_again += 1,
            Note::Lost => tally.record.lost += 1,
            Note::Reconnected(after) => {
                tally.record.reconnects += 1;
                let longest = &mut tally.record.reconnect_us_max;
                *longest = us(after).max(*longest);
            }
        }
    }

    pub(super) fn finish(self) -> Vec<LoadRecord> {
        let finish = |tally: PhaseTally| LoadRecord {
            lag_us: sparse(&tally.lag_us),
            ..tally.record
        };
        self.0.into_values().map(finish).collect()
    }
}

impl LoadRecord {
    fn blank(phase: Phase) -> LoadRecord {
        LoadRecord {
            phase,
            lag_us: Vec::new(),
            prepared_again: 0,
            lost: 0,
            reconnects: 0,
            reconnect_us_max: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_decides_what_becomes_of_the_connection() {
        for (code, is_broken, expected) in [
            ("0A000", false, Remedy::PrepareAgain),
            ("26000", false, Remedy::PrepareAgain),
            ("42703", false, Remedy::PrepareAgain),
            ("57014", false, Remedy::Nothing),
            ("55P03", false, Remedy::Nothing),
            ("40P01", false, Remedy::Nothing),
            ("57P01", true, Remedy::Reconnect),
            ("08006", true, Remedy::Reconnect),
        ] {
            let sqlstate = code.parse().unwrap();
            let failure = Failure {
                sqlstate,
                is_broken,
            };
            assert_eq!(Remedy::after(failure), expected, "{code}");
        }
    }
}
