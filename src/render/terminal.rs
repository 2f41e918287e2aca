//! The outline for a terminal: no line wider than asked for, colour only when asked for.

mod colour;
mod strip;
mod table;
mod wrap;

use super::Look;
use super::outline::{self, Block, Cell, Line, Outline, Section};
use crate::compare::{Calibration, Comparison};
use crate::report::Report;

/// Narrower than this, figures would not fit beside each other.
const WIDTH_MIN: usize = 60;

/// A section's content stands so far to the right of its title.
const INDENT: usize = 2;

pub fn report(report: &Report, look: Look) -> String {
    written(&outline::of_report(report), look)
}

pub fn comparison(comparison: &Comparison, look: Look) -> String {
    written(&outline::of_comparison(comparison), look)
}

pub fn calibration(calibration: &Calibration, look: Look) -> String {
    written(&outline::of_calibration(calibration), look)
}

/// The timeline as lines of this width.
pub(super) fn strip_lines(strip: &outline::Strip, width: usize) -> Vec<String> {
    let look = Look {
        width,
        colour: false,
    };
    strip::lines(strip, look)
}

fn written(outline: &Outline, look: Look) -> String {
    let look = Look {
        width: look.width.max(WIDTH_MIN),
        ..look
    };
    let sections: Vec<String> = outline
        .sections
        .iter()
        .map(|section| section_text(section, look))
        .collect();
    sections.join("\n")
}

fn section_text(section: &Section, look: Look) -> String {
    let mut text = String::new();
    let indent = match &section.title {
        Some(title) => {
            for line in wrap::wrap(title, look.width) {
                text += &colour::strong(&line, look.colour);
                text.push('\n');
            }
            INDENT
        }
        None => 0,
    };
    let look = Look {
        width: look.width - indent,
        ..look
    };
    let mut before: Option<&Block> = None;
    for block in &section.blocks {
        let is_table = |block: &Block| matches!(block, Block::Table(_));
        if before.is_some_and(|before| is_table(before) || is_table(block)) {
            text.push('\n');
        }
        for line in block_lines(block, look) {
            text += format!("{:indent$}{line}", "").trim_end();
            text.push('\n');
        }
        before = Some(block);
    }
    text
}

fn block_lines(block: &Block, look: Look) -> Vec<String> {
    match block {
        Block::Line(line) => line_lines(line, look),
        Block::Table(table) => table::lines(table, look),
        Block::Strip(strip) => strip::lines(strip, look),
    }
}

/// A paragraph; what follows its first line stands under its text, not under its mark.
fn line_lines(line: &Line, look: Look) -> Vec<String> {
    let Some(Cell { text: mark, tone }) = &line.mark else {
        return wrap::wrap(&line.text, look.width);
    };
    let gap = wrap::width(mark) + if mark.len() > 1 { 2 } else { 1 };
    let wrapped = wrap::wrap(&line.text, look.width - gap);
    let first = colour::toned(mark, *tone, look.colour);
    let spaces = gap - wrap::width(mark);
    wrapped
        .into_iter()
        .enumerate()
        .map(|(at, text)| match at {
            0 => format!("{first}{:spaces$}{text}", ""),
            _ => format!("{:gap$}{text}", ""),
        })
        .collect()
}
