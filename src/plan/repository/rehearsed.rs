//! What is rehearsed, and how it is called.

use super::targets::{self, Targets};
use crate::migrations::{Directory, Part};
use crate::rehearse::workload::Command;
use crate::seed::dataset::Migrations;
use crate::seed::{Dataset, Source};

/// What is rehearsed: migrations of a directory, or a command.
pub(super) struct Rehearsed {
    pub(super) directory: Option<Directory>,
    pub(super) targets: Option<Targets>,
    pub(super) command: Option<Command>,
}

impl Rehearsed {
    pub(super) fn migrations(&self) -> &[Part] {
        self.targets
            .as_ref()
            .map_or(&[], |targets| &targets.rehearsed)
    }

    pub(super) fn title(&self) -> String {
        match (&self.command, &self.directory, &self.targets) {
            (Some(command), _, _) => format!("command {}", command.line),
            (None, Some(directory), Some(targets)) => {
                format!("{}, {} layout", targets.label(), directory.layout)
            }
            (None, _, _) => String::new(),
        }
    }

    /// For the directory of its reports.
    pub(super) fn name(&self) -> String {
        match (&self.command, &self.targets) {
            (Some(command), _) => targets::as_file_name(&command.line),
            (None, Some(targets)) => targets.file_name(),
            (None, None) => String::new(),
        }
    }

    /// What was recognised, in words.
    pub(super) fn about(&self, dataset: Option<&Dataset>) -> String {
        let count = |n: usize| match n {
            0 => "no migration".to_owned(),
            1 => "1 migration".to_owned(),
            n => format!("{n} migrations"),
        };
        let base = match dataset.map(|dataset| &dataset.source) {
            Some(Source::Migrations(Migrations {
                dir,
                before,
                after,
                in_code,
            })) => {
                let between = match after.len() {
                    0 => String::new(),
                    n => format!("; {} more run on the rows", count(n)),
                };
                let without = match in_code.len() {
                    0 => String::new(),
                    n => format!(", without {n} in code, which do not run here"),
                };
                format!(
                    "Base: {} of {}{without}{between}.",
                    count(before.len()),
                    dir.display()
                )
            }
            Some(Source::Schema { path, .. }) => format!("Base: the schema {}.", path.display()),
            Some(Source::Snapshot(dump)) => format!("Base: the dump {}.", dump.path.display()),
            None => return String::new(),
        };
        match (&self.command, &self.directory) {
            (Some(_), _) => format!("{base} Rehearsed: what the command does."),
            (None, Some(directory)) => {
                let rehearsed = count(self.migrations().len());
                format!(
                    "{base} Rehearsed: {rehearsed}, as {} runs them.",
                    directory.layout
                )
            }
            (None, None) => base,
        }
    }
}
