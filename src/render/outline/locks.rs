//! The locks that the migration took, the most harmful first.

use super::{Block, Cell, Column, Row, Section, Tone, steps};
use crate::postgres::{LockMode, RelationKind, RelationName};
use crate::report::{Grade, Lock, Run};
use crate::units;

/// Below this a wait does not change how long others were in the way of the lock.
const NOTEWORTHY_WAIT_MS: f64 = 1.0;

pub(super) fn section(run: &Run) -> Option<Section> {
    let mut folded = Folded::default();
    let mut shown: Vec<&Lock> = Vec::new();
    for lock in &run.locks {
        match () {
            () if lock.created_here => folded.created += 1,
            () if is_harmless(lock) => folded.harmless += 1,
            () if follows_its_table(lock, &run.locks) => folded.followers += 1,
            () => shown.push(lock),
        }
    }
    shown.sort_by(|a, b| {
        let harm = |lock: &Lock| (lock.blocks_reads, lock.blocks_writes);
        harm(b).cmp(&harm(a)).then(b.span_ms.total_cmp(&a.span_ms))
    });
    let mut blocks = Vec::new();
    if !shown.is_empty() {
        // A span that is all hold says nothing new.
        let with_span = shown.iter().any(|lock| lock.wait_ms >= NOTEWORTHY_WAIT_MS);
        let rows = shown.into_iter().map(|lock| row(run, lock, with_span));
        blocks.push(Block::table(columns(with_span), rows.collect()));
    }
    blocks.extend(folded.line());
    (!blocks.is_empty()).then(|| Section::new("Locks", blocks))
}

/// Locks that are only counted.
#[derive(Default)]
struct Folded {
    created: u64,
    harmless: u64,
    followers: u64,
}

impl Folded {
    fn line(&self) -> Option<Block> {
        let kinds = [
            (self.followers, "on indexes and the like, with their table"),
            (self.created, "on what the migration created"),
            (self.harmless, "in a mode that every query may take"),
        ];
        let told: Vec<String> = kinds
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", units::count(n)))
            .collect();
        let all = self.created + self.harmless + self.followers;
        (all > 0).then(|| {
            let more = units::counted(
                all,
                "more lock keeps no query waiting by itself",
                "more locks keep no query waiting by themselves",
            );
            Block::line(format!("{more}: {}.", told.join(", ")))
        })
    }
}

/// Modes that every query or its own writes take: they conflict with no traffic, and tell nothing.
fn is_harmless(lock: &Lock) -> bool {
    lock.mode < LockMode::ShareUpdateExclusiveLock
}

/// An index, a toast table or a sequence locked by a statement that held a table as strongly and as
/// long: whoever would wait for it waits for the table already.
fn follows_its_table(lock: &Lock, locks: &[Lock]) -> bool {
    let is_table = |kind| matches!(kind, RelationKind::Table | RelationKind::PartitionedTable);
    !is_table(lock.relation_kind)
        && locks.iter().any(|table| {
            is_table(table.relation_kind)
                && !table.created_here
                && (table.step, table.statement) == (lock.step, lock.statement)
                && table.mode >= lock.mode
                && table.request_ms <= lock.request_ms
        })
}

fn columns(with_span: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::words("lock"),
        Column::figure("waited"),
        Column::figure("held"),
        Column::figure("grade"),
        Column::word("blocks"),
        Column::words("taken at"),
    ];
    if with_span {
        columns.insert(3, Column::figure("span"));
    }
    columns
}

fn row(run: &Run, lock: &Lock, with_span: bool) -> Row {
    let (blocks, tone) = match (lock.blocks_reads, lock.blocks_writes) {
        (true, true) => ("reads, writes", Tone::Bad),
        (true, false) => ("reads", Tone::Bad),
        (false, true) => ("writes", Tone::Careful),
        (false, false) => ("no query", Tone::Plain),
    };
    let hold = if lock.granted {
        units::duration(lock.hold_ms)
    } else {
        "never".to_owned()
    };
    let mut cells = vec![
        Cell::new(format!("{} on {}", lock.mode, short(&lock.relation)), tone),
        Cell::plain(units::duration(lock.wait_ms)),
        Cell::plain(hold),
        Cell::plain(grade(lock.grade)),
        Cell::new(blocks, tone),
        Cell::plain(steps::place(run, lock.step, lock.statement)),
    ];
    if with_span {
        cells.insert(3, Cell::plain(units::duration(lock.span_ms)));
    }
    Row::Cells(cells)
}

/// `exact`, `± 1.20 ms` or `derived`.
pub(super) fn grade(grade: Grade) -> String {
    match grade {
        Grade::Exact => "exact".to_owned(),
        Grade::Bracketed { width_ms } => format!("±{}", units::duration(width_ms)),
        Grade::Derived => "derived".to_owned(),
    }
}

/// A relation as the search path's default finds it: without `public`.
pub(super) fn short(relation: &RelationName) -> String {
    if relation.schema == "public" {
        relation.name.clone()
    } else {
        relation.to_string()
    }
}
