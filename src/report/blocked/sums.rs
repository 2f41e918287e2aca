//! Charged waits added up: in all, by statement, by query.

use std::collections::BTreeMap;

use super::{Cause, Charged};
use crate::rehearse::workload::QueryKind;
use crate::report::{Blocked, BlockedByStatement, BlockedQuery, Grade};

/// What the waits add up to.
pub(super) fn summarize(charged: &[Charged], grade: Grade, source: String) -> Blocked {
    let count =
        |of: &dyn Fn(&Charged) -> bool| charged.iter().filter(|wait| of(wait)).count() as u64;
    let mut by_statement: BTreeMap<(usize, usize), Sum> = BTreeMap::new();
    let mut by_query: BTreeMap<(QueryKind, &str, &str), Sum> = BTreeMap::new();
    let mut all = Sum::default();
    for wait in charged {
        all.add(wait.waited_ms);
        if let Some(statement) = wait.statement {
            by_statement
                .entry(statement)
                .or_default()
                .add(wait.waited_ms);
        }
        if let (Some(kind), Some((app, query))) = (wait.kind, &wait.query) {
            by_query
                .entry((kind, app, query))
                .or_default()
                .add(wait.waited_ms);
        }
    }
    Blocked {
        queries: all.queries,
        reads: count(&|wait| wait.kind == Some(QueryKind::Read)),
        writes: count(&|wait| wait.kind == Some(QueryKind::Write)),
        by_held: count(&|wait| wait.cause == Cause::Held),
        by_queued: count(&|wait| wait.cause == Cause::Queued),
        by_row: count(&|wait| wait.cause == Cause::Row),
        by_other: count(&|wait| wait.cause == Cause::Other),
        longest_ms: all.longest_ms,
        total_ms: all.total_ms,
        grade,
        source,
        by_statement: by_statement
            .into_iter()
            .map(|((step, statement), sum)| BlockedByStatement {
                step,
                statement,
                queries: sum.queries,
                longest_ms: sum.longest_ms,
                total_ms: sum.total_ms,
            })
            .collect(),
        by_query: by_query
            .into_iter()
            .map(|((kind, app, query), sum)| BlockedQuery {
                app: app.to_owned(),
                query: query.to_owned(),
                kind,
                queries: sum.queries,
                longest_ms: sum.longest_ms,
                total_ms: sum.total_ms,
            })
            .collect(),
    }
}

/// What each try of a script cost.
pub(super) fn by_try(charged: &[Charged]) -> BTreeMap<(usize, usize), Sum> {
    let mut by_try: BTreeMap<(usize, usize), Sum> = BTreeMap::new();
    for wait in charged {
        if let Some(place) = wait.in_try {
            by_try.entry(place).or_default().add(wait.waited_ms);
        }
    }
    by_try
}

#[derive(Clone, Copy, Default)]
pub(in crate::report) struct Sum {
    pub(in crate::report) queries: u64,
    pub(in crate::report) longest_ms: f64,
    pub(in crate::report) total_ms: f64,
}

impl Sum {
    fn add(&mut self, waited_ms: f64) {
        self.queries += 1;
        self.longest_ms = self.longest_ms.max(waited_ms);
        self.total_ms += waited_ms;
    }
}
