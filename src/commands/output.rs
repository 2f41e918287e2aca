//! What a run leaves: the report's files, opened before it starts, and the text on stdout.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::{Exit, Failure};
use crate::compare::{Calibration, Comparison};
use crate::gate;
use crate::plan::Plan;
use crate::render::{Format, Look};
use crate::report::{Rehearsal, Report};

/// `report.json`, and `recordings.json` beside it.
pub(super) struct Output {
    dir: PathBuf,
}

impl Output {
    /// Makes the directory and writes to it, so that a run does not end with nowhere to put its report.
    pub(super) fn open(plan: &Plan) -> Result<Output, Failure> {
        let output = Output {
            dir: plan.out.clone(),
        };
        let unwritable = |error| output.unwritable(Exit::BadInput, &error);
        std::fs::create_dir_all(&output.dir).map_err(unwritable)?;
        let probe = output.dir.join(".report.json.partial");
        std::fs::write(&probe, b"").map_err(unwritable)?;
        std::fs::remove_file(&probe).map_err(unwritable)?;
        Ok(output)
    }

    /// Writes what has been recorded so far, with its report.
    pub(super) fn write(&self, rehearsal: &Rehearsal, report: &Report) -> Result<(), Failure> {
        self.put(
            "recordings.json",
            &serde_json::to_string(rehearsal).map_err(unserializable)?,
        )?;
        self.put(
            "report.json",
            &serde_json::to_string_pretty(report).map_err(unserializable)?,
        )
    }

    /// Writes the comparison of this report with another.
    pub(super) fn write_comparison(&self, comparison: &Comparison) -> Result<(), Failure> {
        let text = crate::render::json::comparison(comparison, look());
        self.put("comparison.json", &text)
    }

    fn put(&self, name: &str, text: &str) -> Result<(), Failure> {
        let partial = self.dir.join(format!(".{name}.partial"));
        // A run takes long enough for somebody to tidy up meanwhile.
        let written = std::fs::create_dir_all(&self.dir)
            .and_then(|()| std::fs::write(&partial, text))
            .and_then(|()| std::fs::rename(&partial, self.dir.join(name)));
        written.map_err(|error| self.unwritable(Exit::Environment, &error))
    }

    fn unwritable(&self, exit: Exit, error: &std::io::Error) -> Failure {
        let message = format!("--out: cannot write to {}: {error}", self.dir.display());
        Failure::new(exit, message)
    }
}

/// The report with its verdict.
pub(super) fn judged(rehearsal: &Rehearsal) -> Report {
    let mut report = rehearsal.report();
    report.verdict = gate::judge(&rehearsal.budget, &report.runs);
    report
}

fn unserializable(error: serde_json::Error) -> Failure {
    Failure::new(Exit::Unfinished, error)
}

/// Reads a report, or makes it again from recordings.
pub(super) fn read_report(path: &Path) -> Result<Report, Failure> {
    let bad = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::BadInput, format!("{}: {error}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| bad(&error))?;
    if let Some(rehearsal) = Rehearsal::read(&text) {
        return Ok(judged(&rehearsal));
    }
    Report::read(&text).map_err(|error| bad(&error))
}

/// Prints a report as the terminal shows it.
pub(super) fn print_report(report: &Report) {
    print(&crate::render::terminal::report(report, look()));
}

pub(super) fn print_comparison(comparison: &Comparison) {
    print(&crate::render::terminal::comparison(comparison, look()));
}

pub(super) fn print_calibration(calibration: &Calibration) {
    print(&crate::render::terminal::calibration(calibration, look()));
}

pub(super) fn format(name: &str) -> Result<&'static Format, Failure> {
    Format::named(name).map_err(|error| Failure::new(Exit::BadInput, format!("--format {error}")))
}

/// Colour and width of the terminal; plain and 100 columns wide where there is none.
pub(super) fn look() -> Look {
    let stdout = std::io::stdout();
    let colour =
        stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let columns = console_columns().unwrap_or(100);
    Look {
        width: columns,
        colour,
    }
}

fn console_columns() -> Option<usize> {
    let asked = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let seen = size
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0);
    asked.or(seen)
}

/// Names and titles of what would be run.
pub(super) fn list(plans: &[Plan]) {
    let width = plans.iter().map(|plan| plan.name.len()).max().unwrap_or(0);
    for plan in plans {
        print(&format!("{:width$}  {}\n", plan.name, plan.title));
    }
}

/// Writes to stdout. A reader that has gone away, as `head` does, has seen what it wanted.
pub(super) fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}
