//! The exit codes, each with its meaning.

use crate::seed::template::TemplateError;
use crate::{provision, seed};

/// How the command ended. Documented in `--help` and in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Inside the budget.
    Kept = 0,
    /// Outside the budget, or a comparison got worse.
    Broken = 1,
    /// Bad arguments or a mistake in a scenario.
    BadInput = 2,
    /// The environment: no engine, no server, no disk space.
    Environment = 3,
    /// The rehearsal could not finish.
    Unfinished = 4,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}

/// Why a command cannot give its result, and the exit code for it.
#[derive(Clone, Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, error: impl std::fmt::Display) -> Failure {
        Failure {
            exit,
            message: format!("{error:#}"),
        }
    }
}

impl From<crate::input::Problems> for Failure {
    fn from(problems: crate::input::Problems) -> Failure {
        Failure::new(Exit::BadInput, problems)
    }
}

impl From<provision::Error> for Failure {
    fn from(error: provision::Error) -> Failure {
        let exit = match error.is_bad_input() {
            true => Exit::BadInput,
            false => Exit::Environment,
        };
        Failure::new(exit, error)
    }
}

impl From<seed::Error> for Failure {
    fn from(error: seed::Error) -> Failure {
        let exit = match error {
            seed::Error::Description(_)
            | seed::Error::Schema { .. }
            | seed::Error::Migration { .. } => Exit::BadInput,
            _ => Exit::Environment,
        };
        Failure::new(exit, error)
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Failure {
        match error {
            TemplateError::Provision(error) => error.into(),
            TemplateError::Fill {
                source: seed::Error::Migration { .. },
                ..
            } => Failure::new(Exit::BadInput, error),
            error => Failure::new(Exit::Environment, error),
        }
    }
}
