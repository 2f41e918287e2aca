//! The tries of scripts that did not land at once, or that several sessions ran, and what each cost the traffic.

use super::{Block, Cell, Column, Row, Section, Tone, steps};
use crate::report::{Outcome, Run, Step, StepKind, Try};
use crate::units;

/// So many tries of a step are shown from its beginning, and as many from its end.
const TRIES_SHOWN: usize = 10;

pub(super) fn section(run: &Run) -> Option<Section> {
    let told: Vec<(usize, &Step)> = run
        .steps
        .iter()
        .enumerate()
        // A command's connections are no tries of the same.
        .filter(|(_, step)| step.tries.len() > 1 && step.kind != StepKind::Command)
        .collect();
    let mut rows = Vec::new();
    for (at, step) in &told {
        if run.steps.len() > 1 {
            rows.push(Row::Group(format!("step {}: {}", at + 1, step.name)));
        }
        let left_out = step.tries.len().saturating_sub(2 * TRIES_SHOWN);
        for (place, one) in step.tries.iter().enumerate() {
            if left_out == 0 || !(TRIES_SHOWN..TRIES_SHOWN + left_out).contains(&place) {
                rows.push(row(run, step, one));
            } else if place == TRIES_SHOWN {
                rows.push(Row::Group(format!("… {left_out} more …")));
            }
        }
    }
    let several = told.iter().any(|(_, step)| has_several_migrators(step));
    let columns = vec![
        Column::word(if several { "migrator" } else { "try" }),
        Column::figure("began\nafter"),
        Column::figure("took"),
        Column::words("came to"),
        Column::figure("blocked\nqueries"),
        Column::figure("longest"),
        Column::figure("together"),
    ];
    (!rows.is_empty()).then(|| Section::new("Tries", vec![Block::table(columns, rows)]))
}

fn row(run: &Run, step: &Step, one: &Try) -> Row {
    Row::Cells(vec![
        Cell::plain(
            match (has_several_migrators(step), has_several_tries(step)) {
                (true, true) => format!("{}, try {}", one.migrator, one.number),
                (true, false) => one.migrator.to_string(),
                (false, _) => one.number.to_string(),
            },
        ),
        Cell::plain(units::duration(one.start_ms - step.start_ms)),
        Cell::plain(units::duration(one.duration_ms)),
        came_to(run, step, one),
        Cell::plain(units::count(one.blocked_queries)),
        Cell::plain(units::duration(one.blocked_longest_ms)),
        Cell::plain(units::duration(one.blocked_total_ms)),
    ])
}

/// What a session of a step is called: those of a script each run it, those of a command each a part.
pub(super) fn session(step: &Step) -> &'static str {
    match step.kind {
        StepKind::Command => "connection",
        _ => "migrator",
    }
}

/// `try 2`, `migrator 1` or `migrator 1, try 2`: as much as it takes to tell it from the others.
pub(super) fn name(step: &Step, migrator: u32, which: String) -> String {
    match (has_several_migrators(step), has_several_tries(step)) {
        (true, true) => format!("{} {migrator}, {which}", session(step)),
        (true, false) => format!("{} {migrator}", session(step)),
        (false, _) => which,
    }
}

fn has_several_migrators(step: &Step) -> bool {
    step.tries.iter().any(|one| one.migrator > 1)
}

fn has_several_tries(step: &Step) -> bool {
    step.tries.iter().any(|one| one.number > 1)
}

fn came_to(run: &Run, step: &Step, one: &Try) -> Cell {
    let later = |other: &Try| other.migrator == one.migrator && other.number > one.number;
    let is_last = !step.tries.iter().any(later);
    let was_cut_short = matches!(run.outcome, Outcome::Interrupted | Outcome::Aborted)
        && run
            .steps
            .last()
            .is_some_and(|last| std::ptr::eq(last, step));
    match &one.error {
        Some(error) => {
            let tone = if is_last { Tone::Bad } else { Tone::Careful };
            Cell::new(
                steps::code(error).unwrap_or_else(|| error.message.clone()),
                tone,
            )
        }
        None if is_last && was_cut_short => Cell::new("cut short", Tone::Careful),
        None => Cell::new("landed", Tone::Good),
    }
}
