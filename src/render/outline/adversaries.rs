//! What else ran on the database while it was migrated.

use super::{Block, Section, steps};
use crate::report::{Adversary, Phase, Run};
use crate::units;

pub(super) fn section(run: &Run) -> Option<Section> {
    let migration = run
        .phases
        .iter()
        .find(|span| span.phase == Phase::Migration);
    let start_ms = migration?.start_ms;
    let lines = run
        .adversaries
        .iter()
        .map(|adversary| line(adversary, start_ms));
    let blocks: Vec<Block> = lines.collect();
    (!blocks.is_empty()).then(|| Section::new("What else ran", blocks))
}

/// `idle in transaction, in place 4 ms before the first step, gone 2.00 s after it began: SELECT …`
fn line(adversary: &Adversary, start_ms: f64) -> Block {
    let came = match adversary.start_ms - start_ms {
        after if after > 0.0 => format!("began {} after the first step", units::duration(after)),
        before => format!(
            "in place {} before the first step",
            units::duration(-before)
        ),
    };
    let gone = match adversary.end_ms {
        Some(end_ms) => format!("gone {} after it began", units::duration(end_ms - start_ms)),
        None => "still there at the end".to_owned(),
    };
    let told = format!("{}, {came}, {gone}", adversary.what);
    Block::line(match &adversary.sql {
        Some(sql) => format!("{told}: {}", steps::cut(sql, steps::SQL_CHARS)),
        None => format!("{told}."),
    })
}
