//! Shows what the stages say: notes as lines, long work as a bar with its rate and the time left. On stderr.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::rehearse::clock::{At, Clock};
use crate::talk::{Said, Talk};
use crate::units;

/// Without a terminal, progress is a line at most this often.
const QUIET_EVERY: Duration = Duration::from_secs(10);

/// A listener that writes to stderr.
pub(super) fn on_stderr() -> Talk {
    let shown = Mutex::new(Shown {
        bar: None,
        last_line: None,
        clock: Clock::start(),
    });
    let is_terminal = std::io::stderr().is_terminal();
    Talk::new(move |said| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        match said {
            Said::Note(text) => shown.note(&text),
            Said::Progress {
                what,
                done,
                total,
                unit,
            } if is_terminal => shown.bar(what, done, total, unit),
            Said::Progress {
                what,
                done,
                total,
                unit,
            } => shown.line(&what, done, total, unit),
            Said::Done => shown.done(),
        }
    })
}

struct Shown {
    bar: Option<ProgressBar>,
    last_line: Option<At>,
    clock: Clock,
}

impl Shown {
    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprint_line(text)),
            None => eprint_line(text),
        }
    }

    fn bar(&mut self, what: String, done: u64, total: u64, unit: &'static str) {
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            bar.set_style(style(unit));
            bar
        });
        bar.set_length(total);
        bar.set_message(what);
        bar.set_position(done);
    }

    fn line(&mut self, what: &str, done: u64, total: u64, unit: &'static str) {
        let now = self.clock.now();
        if self
            .last_line
            .is_none_or(|last| now.since(last) >= QUIET_EVERY)
        {
            self.last_line = Some(now);
            let of = if total > 0 {
                format!(" of {}", units::count(total))
            } else {
                String::new()
            };
            eprint_line(&format!("{what}: {}{of} {unit}", units::count(done)));
        }
    }

    fn done(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.last_line = None;
    }
}

fn style(unit: &'static str) -> ProgressStyle {
    let rate = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A terminal that cannot be written to shows no progress.
        let _ = write!(out, "{} {unit}/s", units::count(state.per_sec() as u64));
    };
    ProgressStyle::with_template("{msg} {bar:20} {percent:>3} %  {rate}  {eta} left")
        .expect("the template is valid")
        .with_key("rate", rate)
}

/// Writes a line to stderr. A reader that has gone away is no reason to stop.
pub(super) fn eprint_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
