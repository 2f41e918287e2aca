//! What the migration did, statement by statement, and what it left behind.

use std::collections::{BTreeMap, BTreeSet};

use super::{Block, Cell, Column, Row, Section, Tone, locks, tries};
use crate::report::{Run, Statement, Step, StepError, StepKind};
use crate::units;

/// So many statements are shown; of more, the longest.
const STATEMENTS_SHOWN: usize = 20;

/// Of what a command printed so many lines are shown.
const LINES_SHOWN: usize = 10;

/// A statement in a table is cut after so many characters.
pub(super) const SQL_CHARS: usize = 160;

/// A statement in a sentence is cut after so many characters.
const SQL_CHARS_IN_SENTENCE: usize = 70;

pub(super) fn section(run: &Run) -> Option<Section> {
    if run.steps.is_empty() {
        return None;
    }
    let shown = shown(run);
    let mut rows = Vec::new();
    for (at, step) in run.steps.iter().enumerate() {
        rows.push(Row::Group(heading(at, step, run.steps.len())));
        let sessions = sessions(step);
        for migrator in &sessions {
            let own = told(step).into_iter().filter(|s| s.migrator == *migrator);
            let own = own.filter(|s| shown.contains(&(at, *migrator, s.index)));
            let own = own.map(|statement| row(step, statement));
            let own: Vec<Row> = own.chain(unplaced_error(step, *migrator)).collect();
            // A tool may open connections only to look at the server.
            if sessions.len() > 1 && !(step.kind == StepKind::Command && own.is_empty()) {
                rows.push(Row::Group(format!("{} {migrator}", tries::session(step))));
            }
            rows.extend(own);
        }
    }
    let has_script = run.steps.iter().any(|step| step.kind == StepKind::Migrate);
    let columns = vec![
        Column::figure(if has_script { "line" } else { "no." }),
        Column::words("statement"),
        Column::figure("took"),
        Column::figure("waited\nfor locks"),
        Column::figure("WAL"),
    ];
    let mut blocks = vec![Block::table(columns, rows)];
    let all: usize = run.steps.iter().map(|step| told(step).len()).sum();
    if all > shown.len() {
        blocks.push(Block::line(format!(
            "{} more statements were shorter than these.",
            all - shown.len()
        )));
    }
    blocks.extend(run.steps.iter().flat_map(said));
    Some(Section::new("What the migration did", blocks))
}

/// What a command that failed said last, and which of its connections were not let through.
fn said(step: &Step) -> Vec<Block> {
    let Some(command) = &step.command else {
        return Vec::new();
    };
    let marked = |text: &str| Block::marked(Cell::plain("|"), text);
    let mut blocks = Vec::new();
    let plain = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>();
    let printed: Vec<String> = command.output.lines().map(plain).collect();
    let last = printed.iter().rev().filter(|line| !line.trim().is_empty());
    let mut last: Vec<&String> = last.take(LINES_SHOWN).collect();
    last.reverse();
    if step.error.is_some() && !last.is_empty() {
        blocks.push(Block::line("The command printed last:"));
        blocks.extend(last.into_iter().map(|line| marked(line)));
    }
    if !command.refused.is_empty() {
        blocks.push(Block::line("Connections of the command that were closed:"));
        blocks.extend(command.refused.iter().map(|reason| marked(reason)));
    }
    blocks
}

/// The sessions that ran a step, by the number of the migrator.
fn sessions(step: &Step) -> BTreeSet<u32> {
    let further = step.tries.iter().map(|one| one.migrator);
    further.chain([1]).collect()
}

/// The statements of a step as each session ran them last, session by session.
fn told(step: &Step) -> Vec<&Statement> {
    let mut last = BTreeMap::new();
    for statement in &step.statements {
        last.insert((statement.migrator, statement.index), statement);
    }
    last.into_values().collect()
}

/// Step, migrator and index of the statements to be shown: those that failed, those that could keep a query waiting,
/// and the longest.
fn shown(run: &Run) -> BTreeSet<(usize, u32, usize)> {
    let mut all = Vec::new();
    for (at, step) in run.steps.iter().enumerate() {
        for statement in told(step) {
            let failed = error_of(step, statement).is_some();
            let place = (at, statement.migrator, statement.index);
            let in_the_way = locks::is_in_the_way(run, at, statement.index);
            all.push((failed, in_the_way, statement.duration_ms, place));
        }
    }
    all.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(b.2.total_cmp(&a.2)));
    all.truncate(STATEMENTS_SHOWN);
    all.into_iter().map(|(.., place)| place).collect()
}

fn heading(at: usize, step: &Step, steps: usize) -> String {
    let number = if steps > 1 {
        format!("step {}: ", at + 1)
    } else {
        String::new()
    };
    let verb = match step.kind {
        StepKind::Migrate => "migrate",
        StepKind::Command => "command",
        StepKind::Deploy => "deploy",
        StepKind::Wait => "wait",
    };
    let took = units::duration(step.duration_ms);
    match &step.transaction {
        Some(transaction) => format!("{number}{verb} {}, {took}: {transaction}", step.name),
        None => format!("{number}{verb} {}, {took}", step.name),
    }
}

fn row(step: &Step, statement: &Statement) -> Row {
    let mut text = cut(&statement.sql, SQL_CHARS);
    if let Some(file) = &statement.file {
        text = format!("{file}: {text}");
    }
    let mut tone = Tone::Plain;
    if !statement.rewrites.is_empty() {
        text += &format!("\n→ rewrote {}", statement.rewrites.join(", "));
        tone = Tone::Careful;
    }
    if !statement.scans.is_empty() {
        text += &format!("\n→ read through {}", statement.scans.join(", "));
    }
    if let Some(error) = error_of(step, statement) {
        text += &format!("\n→ {}", failure(error));
        tone = Tone::Bad;
    }
    Row::Cells(vec![
        Cell::plain(number(step, statement).to_string()),
        Cell::new(text, tone),
        Cell::plain(units::duration(statement.duration_ms)),
        Cell::plain(units::duration(statement.lock_wait_ms)),
        Cell::plain(
            statement
                .wal_bytes
                .map_or(units::NONE.to_owned(), units::bytes),
        ),
    ])
}

/// Its line in the script, or which of the command's statements it was.
fn number(step: &Step, statement: &Statement) -> usize {
    match step.kind {
        StepKind::Command => statement.index + 1,
        _ => statement.line,
    }
}

fn error_of<'a>(step: &'a Step, statement: &Statement) -> Option<&'a StepError> {
    let error = last_error(step, statement.migrator)?;
    (error.statement == Some(statement.index)).then_some(error)
}

/// What the last try of a session failed with. A report of before there were tries has only the step's error. A
/// command may go on after an error, as those do that try whether a table is there: only the step's error counts.
fn last_error(step: &Step, migrator: u32) -> Option<&StepError> {
    if step.kind == StepKind::Command {
        let error = step.error.as_ref()?;
        let mut statements = step.statements.iter();
        let failed = statements.find(|one| error.statement == Some(one.index));
        return (failed.map_or(1, |one| one.migrator) == migrator).then_some(error);
    }
    let mut own = step.tries.iter().filter(|one| one.migrator == migrator);
    match own.next_back() {
        Some(last) => last.error.as_ref(),
        None => step.error.as_ref(),
    }
}

/// A session's error that belongs to none of its statements, such as that of the COMMIT.
fn unplaced_error(step: &Step, migrator: u32) -> Option<Row> {
    let error = last_error(step, migrator)?;
    let mut own = step.statements.iter().filter(|s| s.migrator == migrator);
    if own.any(|statement| error.statement == Some(statement.index)) {
        return None;
    }
    let mut cells = vec![Cell::plain(""); 5];
    cells[0] = Cell::plain(error.line.map(|line| line.to_string()).unwrap_or_default());
    cells[1] = Cell::new(format!("→ {}", failure(error)), Tone::Bad);
    Some(Row::Cells(cells))
}

/// `failed with 55P03 lock not available: canceling statement due to lock timeout`
fn failure(error: &StepError) -> String {
    let code = code(error).map(|code| format!(" with {code}"));
    format!("failed{}: {}", code.unwrap_or_default(), error.message)
}

/// `55P03 lock not available`, if the server named one.
pub(super) fn code(error: &StepError) -> Option<String> {
    error.sqlstate.map(|state| match state.meaning() {
        Some(meaning) => format!("{state} {meaning}"),
        None => state.to_string(),
    })
}

pub(super) fn left_behind(run: &Run) -> Option<Section> {
    let lines = run
        .left_behind
        .iter()
        .map(|what| Block::marked(Cell::new("!", Tone::Bad), what));
    let blocks: Vec<Block> = lines.collect();
    (!blocks.is_empty()).then(|| Section::new("Left behind", blocks))
}

/// The statement that a sentence about the run speaks of: the one that blocked most, else the one
/// that lasted longest.
pub(super) fn most_harmful(run: &Run) -> Option<String> {
    let by_statement = &run.blocked.by_statement;
    let blocking = by_statement
        .iter()
        .max_by(|a, b| a.total_ms.total_cmp(&b.total_ms))
        .and_then(|b| statement(run, b.step, b.statement));
    blocking
        .or_else(|| longest(run))
        .map(|statement| cut(&statement.sql, SQL_CHARS_IN_SENTENCE))
}

/// The longest statement. A command's is one that could keep a query waiting, if there is any: tools look at the
/// catalogue for longer than a table is locked.
fn longest(run: &Run) -> Option<&Statement> {
    let steps = run.steps.iter().enumerate();
    let all = steps.flat_map(|(at, step)| step.statements.iter().map(move |one| (at, step, one)));
    let matters = |at: usize, step: &Step, one: &Statement| {
        step.kind != StepKind::Command || locks::is_in_the_way(run, at, one.index)
    };
    all.max_by(|(at, step, a), (other, its, b)| {
        let matters = matters(*at, step, a).cmp(&matters(*other, its, b));
        matters.then(a.duration_ms.total_cmp(&b.duration_ms))
    })
    .map(|(.., statement)| statement)
}

/// A statement by its step and its index in it.
pub(super) fn statement(run: &Run, step: usize, index: usize) -> Option<&Statement> {
    let mut statements = run.steps.get(step)?.statements.iter();
    statements.find(|statement| statement.index == index)
}

/// Where a statement stands: `line 3`, or `step 2, line 3` if several steps have statements.
pub(super) fn place(run: &Run, step: usize, index: usize) -> String {
    let is_script = run
        .steps
        .get(step)
        .is_some_and(|step| step.kind != StepKind::Command);
    let line = match statement(run, step, index).filter(|_| is_script) {
        Some(statement) => format!("line {}", statement.line),
        None => format!("statement {}", index + 1),
    };
    if run.steps.len() > 1 {
        format!("step {}, {line}", step + 1)
    } else {
        line
    }
}

/// A statement on one line, cut after a word where it is too long.
pub(super) fn cut(sql: &str, chars: usize) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars {
        return line;
    }
    let kept: String = line.chars().take(chars - 1).collect();
    match kept.rsplit_once(' ') {
        // The first word alone may be longer than all that is wanted.
        Some((words, _)) if words.chars().count() >= chars / 2 => format!("{words} …"),
        _ => format!("{kept}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_statement_is_cut_after_a_word_or_a_character() {
        assert_eq!(cut("SELECT\n  1", 10), "SELECT 1");
        assert_eq!(cut("SELECT 'ééééé'", 12), "SELECT …");
        assert_eq!(cut("SELECT'éééééééé'", 12), "SELECT'éééé…");
    }
}
