//! The locks that the migration took, the most harmful first.

use super::{Block, Cell, Column, Row, Section, Tone, steps, tries};
use crate::postgres::{LockMode, RelationName};
use crate::report::{Grade, Lock, Run};
use crate::units;

/// What two locks that go together may differ by as they are measured.
const MILLISECOND: f64 = 1.0;

/// Below this a wait does not change how long others were in the way of the lock.
const NOTEWORTHY_WAIT_MS: f64 = 1.0;

pub(super) fn section(run: &Run) -> Option<Section> {
    let mut folded = Folded::default();
    let mut shown: Vec<&Lock> = Vec::new();
    for lock in &run.locks {
        match () {
            () if lock.created_here => folded.created += 1,
            () if is_harmless(lock) => folded.harmless += 1,
            () if run.locks.iter().any(|other| covers(other, lock)) => folded.covered += 1,
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
        let rows = merged(shown).into_iter();
        let rows = rows.map(|(lock, times)| row(run, lock, times, with_span));
        blocks.push(Block::table(columns(with_span), rows.collect()));
    }
    blocks.extend(folded.line());
    (!blocks.is_empty()).then(|| Section::new("Locks", blocks))
}

/// Each lock once, with how often: what a session waited for in vain, try after try, is told by its longest
/// wait, which comes first.
fn merged(locks: Vec<&Lock>) -> Vec<(&Lock, usize)> {
    let place = |lock: &Lock| (lock.mode, lock.step, lock.statement, lock.session);
    let mut merged: Vec<(&Lock, usize)> = Vec::new();
    for lock in locks {
        let is_same = |other: &Lock| {
            !lock.granted
                && !other.granted
                && place(lock) == place(other)
                && lock.relation == other.relation
        };
        match merged.iter_mut().find(|(other, _)| is_same(other)) {
            Some((_, times)) => *times += 1,
            None => merged.push((lock, 1)),
        }
    }
    merged
}

/// Locks that are only counted.
#[derive(Default)]
struct Folded {
    created: u64,
    harmless: u64,
    covered: u64,
}

impl Folded {
    fn line(&self) -> Option<Block> {
        let kinds = [
            (self.covered, "behind a stronger lock on the same table"),
            (self.created, "on what the migration created"),
            (self.harmless, "in a mode that every query may take"),
        ];
        let told: Vec<String> = kinds
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", units::count(n)))
            .collect();
        let all = self.created + self.harmless + self.covered;
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

/// Whether a statement took a lock on what was there before in a mode that somebody may have to wait for.
pub(super) fn is_in_the_way(run: &Run, step: usize, statement: usize) -> bool {
    let is_one = |lock: &Lock| !lock.created_here && !is_harmless(lock);
    let mut own = run
        .locks
        .iter()
        .filter(|lock| (lock.step, lock.statement) == (step, statement));
    own.any(is_one)
}

/// Whether whoever would wait for `lock` waits for `other` already: a lock at least as strong on the same table,
/// from no later to no earlier. An index and a toast table go with their table.
fn covers(other: &Lock, lock: &Lock) -> bool {
    let end_ms = |lock: &Lock| lock.request_ms + lock.span_ms;
    let same_table =
        lock.relation == other.relation || lock.table.as_ref() == Some(&other.relation);
    let is_stronger = match other.relation == lock.relation {
        true => other.mode > lock.mode,
        false => other.mode >= lock.mode,
    };
    let in_step = (other.step, other.session) == (lock.step, lock.session);
    same_table
        && is_stronger
        && in_step
        && other.granted
        && other.request_ms <= lock.request_ms
        && end_ms(lock) <= end_ms(other) + MILLISECOND
}

fn columns(with_span: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::words("lock"),
        Column::figure("waited"),
        Column::figure("held"),
        Column::figure("grade"),
        Column::words("blocks"),
        Column::words("taken at"),
    ];
    if with_span {
        columns.insert(3, Column::figure("span"));
    }
    columns
}

fn row(run: &Run, lock: &Lock, times: usize, with_span: bool) -> Row {
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
        Cell::plain(taken_at(run, lock, times)),
    ];
    if with_span {
        cells.insert(3, Cell::plain(units::duration(lock.span_ms)));
    }
    Row::Cells(cells)
}

/// `line 3`, and the try where there are several.
fn taken_at(run: &Run, lock: &Lock, times: usize) -> String {
    let place = steps::place(run, lock.step, lock.statement);
    let own = run.steps.get(lock.step).and_then(|step| {
        let mut tries = step.tries.iter();
        let of = tries.find(|one| (one.session, one.number) == (lock.session, lock.try_number))?;
        Some((step, of))
    });
    match own {
        Some((step, of)) if step.tries.len() > 1 => {
            let which = match times {
                1 => format!("try {}", of.number),
                _ => format!("{times} tries"),
            };
            format!("{place}, {}", tries::name(step, of.migrator, which))
        }
        _ => place,
    }
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
