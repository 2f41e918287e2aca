//! Why a database could not be filled.

use std::path::PathBuf;

use super::encode::Misfit;
use crate::input::Problems;
use crate::postgres::failure::in_words;
use crate::provision;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot connect to the server to fill it: {}", in_words(.0))]
    Connect(tokio_postgres::Error),
    #[error("{}{}: the server refuses the schema: {message}", path.display(), at_line(*line))]
    Schema {
        path: PathBuf,
        line: Option<usize>,
        message: String,
    },
    /// The description and the schema do not go together.
    #[error(transparent)]
    Description(#[from] Problems),
    #[error("cannot fill {table}.{column}: {misfit}")]
    Value {
        table: String,
        column: String,
        misfit: Misfit,
    },
    /// What a snapshot is cannot be restored.
    #[error("{}: cannot restore it: {message}", path.display())]
    Snapshot { path: PathBuf, message: String },
    /// A program that restores it failed, or there is none.
    #[error("{}: cannot restore it: {source}", path.display())]
    Restore {
        path: PathBuf,
        source: provision::Error,
    },
    /// The server said no, is gone, or has no more disk.
    #[error("{doing}: {}", in_words(source))]
    Server {
        /// What was being done, with the table's name: "while filling public.orders".
        doing: String,
        source: tokio_postgres::Error,
    },
}

impl Error {
    /// For `map_err`: what was being done when the server failed.
    pub(super) fn doing(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Error {
        |source| Error::Server {
            doing: doing.into(),
            source,
        }
    }
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}
