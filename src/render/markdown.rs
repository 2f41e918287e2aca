//! The outline as GitHub's Markdown: for a comment on a pull request, or the page of a CI job.

use super::outline::{
    self, Block, Cell, ColumnKind, Line, Outline, Row, Section, Strip, Table, Tone,
};
use super::{Look, terminal};
use crate::compare::Comparison;
use crate::report::Report;

/// A comment is about as wide.
const WIDTH: usize = 90;

pub fn report(report: &Report, _: Look) -> String {
    written(&outline::of_report(report))
}

pub fn comparison(comparison: &Comparison, _: Look) -> String {
    written(&outline::of_comparison(comparison))
}

fn written(outline: &Outline) -> String {
    let sections: Vec<String> = outline.sections.iter().map(section).collect();
    sections.join("\n")
}

fn section(section: &Section) -> String {
    let mut text = String::new();
    if let Some(title) = &section.title {
        text += &format!("#### {}\n\n", escaped(title));
    }
    for block in &section.blocks {
        text += &match block {
            Block::Line(line) => paragraph(line),
            Block::Table(table) => rows(table),
            Block::Strip(strip) => blocks(strip),
        };
        text.push('\n');
    }
    text
}

fn paragraph(line: &Line) -> String {
    let text = escaped(&line.text);
    match &line.mark {
        Some(mark) => format!("**{}** {text}\n", toned(mark)),
        None => format!("{text}\n"),
    }
}

/// A word that is good or bad also for those who see no colour here: nobody does.
fn toned(cell: &Cell) -> String {
    let text = escaped(&cell.text);
    match cell.tone {
        Tone::Good => format!("✅ {text}"),
        Tone::Bad => format!("❌ {text}"),
        Tone::Careful => format!("⚠️ {text}"),
        Tone::Plain | Tone::Faint => text,
    }
}

fn rows(table: &Table) -> String {
    let titles = table.columns.iter().map(|column| escaped(column.title));
    let rules = table.columns.iter().map(|column| match column.kind {
        ColumnKind::Figure => "---:".to_owned(),
        ColumnKind::Words | ColumnKind::Word => "---".to_owned(),
    });
    let mut text = row(titles) + &row(rules);
    for line in &table.rows {
        text += &match line {
            // A table has no line across: the rest of it stays empty.
            Row::Group(title) => {
                let first = format!("**{}**", escaped(title));
                let rest = table.columns.iter().skip(1).map(|_| String::new());
                row(std::iter::once(first).chain(rest))
            }
            Row::Cells(cells) => row(cells.iter().map(|cell| escaped(&cell.text))),
        };
    }
    text
}

fn row(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

fn blocks(strip: &Strip) -> String {
    format!(
        "```\n{}\n```\n",
        terminal::strip_lines(strip, WIDTH).join("\n")
    )
}

/// A text that is to be read as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("<br>"),
            '<' => escaped.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '#' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_taken_for_syntax() {
        assert_eq!(
            escaped("ALTER TABLE a_b ADD c int -- <b>|`x`*\nend"),
            "ALTER TABLE a\\_b ADD c int -- &lt;b>\\|\\`x\\`\\*<br>end"
        );
    }
}
