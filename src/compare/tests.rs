//! Reports against edited copies of themselves.

use super::*;
use crate::report::{Phase, Run};

fn fixture(text: &str) -> Report {
    Report::read(text).unwrap()
}

fn plain() -> Report {
    fixture(include_str!(
        "../../tests/fixtures/reports/create-index.json"
    ))
}

fn concurrently() -> Report {
    fixture(include_str!(
        "../../tests/fixtures/reports/create-index-concurrently.json"
    ))
}

fn change(comparison: &Comparison, group: &str, name: &str) -> Change {
    let found = comparison
        .rows
        .iter()
        .find(|row| row.group == group && row.name == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {group}"))
        .change
}

/// The same report on both sides, but for an edit of each run of head.
fn after(edit: impl Fn(&mut Run)) -> Comparison {
    let base = plain();
    let mut head = base.clone();
    head.runs.iter_mut().for_each(edit);
    Comparison::of(&base, &head, Terms::default())
}

#[test]
fn a_report_is_not_worse_than_itself() {
    let same = after(|_| {});
    assert!(!same.got_worse());
    assert_eq!(same.notes, Vec::<String>::new());
    assert_eq!(same.count(Change::Worse) + same.count(Change::Better), 0);
    // Two runs are too few to say more of what lasts longer than its floor.
    assert_eq!(change(&same, "blocked queries", "reads"), Change::Same);
    assert_eq!(change(&same, "migration", "up.sql"), Change::CannotTell);
    let same = after_runs(8, |_| {});
    assert_eq!(same.count(Change::Same), same.rows.len());
}

#[test]
fn concurrently_blocks_nobody_but_lasts_longer() {
    let comparison = Comparison::of(&plain(), &concurrently(), Terms::default());
    assert_eq!(
        change(&comparison, "blocked queries", "writes"),
        Change::Better
    );
    assert_eq!(
        change(&comparison, "ShareLock on public.orders", "hold"),
        Change::Better
    );
    assert_eq!(
        change(
            &comparison,
            "ShareUpdateExclusiveLock on public.orders",
            "hold"
        ),
        Change::OneSided
    );
    assert_eq!(change(&comparison, "migration", "up.sql"), Change::Worse);
    assert!(comparison.notes[0].contains("create-index-concurrently"));
}

#[test]
fn a_lock_that_is_new_and_blocks_is_worse() {
    let comparison = Comparison::of(&concurrently(), &plain(), Terms::default());
    assert_eq!(
        change(&comparison, "ShareLock on public.orders", "hold"),
        Change::Worse
    );
    assert_eq!(
        change(&comparison, "blocked queries", "writes"),
        Change::Worse
    );
    assert_eq!(
        change(&comparison, "blocked queries", "reads"),
        Change::Same
    );
}

#[test]
fn one_blocked_query_where_there_was_none_is_worse() {
    let comparison = after(|run| run.blocked.reads = 1);
    assert_eq!(
        change(&comparison, "blocked queries", "reads"),
        Change::Worse
    );
}

/// The same report on both sides, each with so many runs, but for an edit of each run of head.
fn after_runs(runs: usize, edit: impl Fn(&mut Run)) -> Comparison {
    let mut base = plain();
    base.runs = base.runs.iter().cycle().take(runs).cloned().collect();
    let mut head = base.clone();
    head.runs.iter_mut().for_each(edit);
    Comparison::of(&base, &head, Terms::default())
}

#[test]
fn what_queries_felt_is_compared_with_enough_runs_and_beyond_its_floor() {
    let read_p50 = |runs: usize, factor: f64| {
        let comparison = after_runs(runs, |run| {
            for total in &mut run.traffic_totals {
                if total.phase == Phase::Migration {
                    let latency = total.figures.latency_ms.as_mut().unwrap();
                    latency.p50 *= factor;
                }
            }
        });
        change(&comparison, "reads", "p50")
    };
    assert_eq!(read_p50(8, 2.5), Change::Same, "a quarter of a millisecond");
    assert_eq!(read_p50(8, 100.0), Change::Worse);
    assert_eq!(read_p50(2, 2.5), Change::Same);
    assert_eq!(read_p50(2, 100.0), Change::CannotTell);
}

#[test]
fn a_lock_that_is_not_in_every_run_counts_as_none_where_it_is_not() {
    let sometimes = |runs: usize| {
        let mut base = plain();
        base.runs = base.runs.iter().cycle().take(8).cloned().collect();
        let head = base.clone();
        base.runs[..runs]
            .iter_mut()
            .for_each(|run| run.locks.clear());
        let comparison = Comparison::of(&base, &head, Terms::default());
        change(&comparison, "ShareLock on public.orders", "hold")
    };
    assert_eq!(sometimes(8), Change::Worse);
    assert_eq!(sometimes(7), Change::Worse, "found by its ranks");
    assert_eq!(sometimes(1), Change::Same);
}

#[test]
fn a_run_that_no_longer_completes_or_recovers_is_worse() {
    let failed = after(|run| run.outcome = Outcome::MigrationFailed);
    assert_eq!(
        change(&failed, "outcome", "runs not completed"),
        Change::Worse
    );
    let lost = after(|run| run.recovery_ms = None);
    assert_eq!(
        change(&lost, "outcome", "runs not recovered"),
        Change::Worse
    );
}

#[test]
fn what_was_not_measured_is_neither_better_nor_worse() {
    let unknown = after(|run| {
        run.recovery_ms = None;
        run.steps[0].statements[0].wal_bytes = None;
    });
    assert_eq!(change(&unknown, "migration", "WAL"), Change::OneSided);
    assert_eq!(change(&unknown, "migration", "recovery"), Change::OneSided);

    let mut without_runs = plain();
    without_runs.runs.clear();
    let blind = Comparison::of(&without_runs, &plain(), Terms::default());
    assert!(!blind.can_tell());
    assert_eq!(blind.count(Change::Worse), 0);
    let blind = Comparison::of(&plain(), &without_runs, Terms::default());
    assert!(
        blind.got_worse(),
        "a head that measured nothing must not pass"
    );
}

#[test]
fn versions_that_both_sides_have_are_compared_one_by_one() {
    let base = fixture(include_str!(
        "../../tests/fixtures/reports/four-versions.json"
    ));
    let mut head = base.clone();
    head.runs[2].blocked.reads = 1;
    let comparison = Comparison::of(&base, &head, Terms::default());
    assert_eq!(comparison.notes, Vec::<String>::new());
    let worse = |row: &&Row| row.change == Change::Worse;
    let worse: Vec<&Row> = comparison.rows.iter().filter(worse).collect();
    let [worse] = worse[..] else {
        panic!("one figure of one version: {worse:?}")
    };
    assert_eq!(worse.group, "blocked queries, PostgreSQL 17.5");
    head.runs.remove(0);
    let together = Comparison::of(&base, &head, Terms::default());
    assert!(together.notes.join(" ").contains("taken together"));
    assert_eq!(change(&together, "blocked queries", "reads"), Change::Worse);
}

#[test]
fn what_else_differs_is_noted() {
    let base = plain();
    let mut head = plain();
    head.scenario.hash = "other".to_owned();
    head.dataset
        .rows
        .insert("public.orders".to_owned(), 5_000_000);
    head.environment.cpus = 16;
    head.runs[0].postgres = Version(170_005);
    let notes = Comparison::of(&base, &head, Terms::default())
        .notes
        .join("\n");
    for part in [
        "create-index has changed",
        "orders 1,000,000 against 5,000,000",
        "2 against 16",
        "17.5",
    ] {
        assert!(notes.contains(part), "{part} is not in:\n{notes}");
    }
}
