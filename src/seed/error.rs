//! Why a database could not be filled.

use std::path::PathBuf;

use super::Spec;
use super::encode::Misfit;
use crate::input::Problems;
use crate::postgres::SqlState;
use crate::postgres::failure::{in_words, sqlstate};
use crate::provision;
use crate::units;

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
    /// A migration that others stand on.
    #[error("{}{}: this migration fails, before what is rehearsed: {message}", path.display(), at_line(*line))]
    Migration {
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
    /// The disk filled while rows came.
    #[error(
        "{source}: the disk of the server's data is full; {rows} rows need about {} there, with {} for WAL and \
         temporary files; ask for fewer rows or free some space",
        units::bytes(*needed_bytes), units::bytes(ROOM_BESIDE_DATA_BYTES)
    )]
    Full {
        rows: u64,
        needed_bytes: u64,
        source: Box<Error>,
    },
    /// The server said no, or is gone.
    #[error("{doing}: {}", in_words(source))]
    Server {
        /// What was being done, with the table's name: "while filling public.orders".
        doing: String,
        source: tokio_postgres::Error,
    },
}

/// Room that a server needs beside its data: WAL up to `max_wal_size`, and temporary files of index builds.
pub(super) const ROOM_BESIDE_DATA_BYTES: u64 = 2 << 30;

impl Error {
    /// Says how much room is needed, where there was too little.
    pub(super) fn with_need(self, spec: &Spec) -> Error {
        let is_full = match &self {
            Error::Server { source, .. } => sqlstate(source) == Some(SqlState::DISK_FULL),
            _ => false,
        };
        if !is_full {
            return self;
        }
        Error::Full {
            rows: spec.table_rows().values().sum(),
            needed_bytes: spec
                .estimated_bytes()
                .saturating_add(ROOM_BESIDE_DATA_BYTES),
            source: Box::new(self),
        }
    }

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
