//! Why there is no server, in words that say what to do next.

use std::path::Path;

use crate::input::{Problem, Problems};
use crate::postgres::failure::in_words;
use crate::postgres::version::{OLDEST_SUPPORTED, Version};

/// What can go wrong on the way to a server, and with it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no Postgres to rehearse on: {tried}; install Docker or PostgreSQL's server package, \
         e.g. apt-get install postgresql, or pass --bindir or --url"
    )]
    NoProvider { tried: String },
    #[error("{0}")]
    BadArgument(Box<Problem>),
    /// Settings that the server refuses.
    #[error("{0}")]
    BadSettings(Problems),
    #[error(
        "the database {database:?} is not marked as disposable; a rehearsal creates and drops \
         databases beside it, so if that server may be used for it, run there: \
         COMMENT ON DATABASE {} IS '{}'",
        crate::postgres::relation::quote_identifier(database),
        crate::postgres::database::DISPOSABLE
    )]
    NotDisposable { database: String },
    #[error(
        "PostgreSQL {0} is too old: {OLDEST_SUPPORTED} is the oldest version that can be rehearsed on"
    )]
    TooOld(Version),
    #[error("port {port} of 127.0.0.1 is in use; choose another --port or leave it out")]
    PortInUse { port: u16 },
    #[error("the template {key} was completed by another process just now; run it again to use it")]
    TemplateExists { key: String },
    #[error("Docker: {0}")]
    Docker(String),
    /// The server ended or did not answer; `detail` has the end of its log.
    #[error("the PostgreSQL server did not start: {detail}")]
    Start { detail: String },
    #[error("the PostgreSQL server did not stop: {detail}")]
    Stop { detail: String },
    #[error("cannot connect to the server: {reason}")]
    Connect { reason: String },
    #[error("cannot {doing}: {reason}")]
    Sql { doing: String, reason: String },
    #[error("{doing}: {source}")]
    Io {
        doing: String,
        source: std::io::Error,
    },
    /// A program that came with PostgreSQL, or `cp`, ended with an error.
    #[error("{program} failed: {output}")]
    Program { program: String, output: String },
}

impl Error {
    /// Whether the arguments have to change before it can succeed; else the environment has to.
    pub fn is_bad_input(&self) -> bool {
        matches!(
            self,
            Error::BadArgument(_)
                | Error::BadSettings(_)
                | Error::NotDisposable { .. }
                | Error::TooOld(_)
        )
    }

    /// The same of a URL that came with another argument than `--url`.
    pub(super) fn of_argument(mut self, argument: &str) -> Error {
        if let Error::BadArgument(problem) = &mut self {
            problem.key = Some(argument.to_owned());
        }
        self
    }

    pub(super) fn argument(problem: Problem) -> Error {
        Error::BadArgument(Box::new(problem))
    }

    pub(super) fn sql(doing: impl Into<String>, error: &tokio_postgres::Error) -> Error {
        Error::Sql {
            doing: doing.into(),
            reason: in_words(error),
        }
    }

    pub(super) fn io(doing: &str, path: &Path, source: std::io::Error) -> Error {
        Error::Io {
            doing: format!("cannot {doing} {}", path.display()),
            source,
        }
    }
}

/// The last lines of a log, on one line, for the end of a message.
pub(super) fn tail(log: &str) -> String {
    let lines: Vec<&str> = log
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(6)..].join(" | ")
}
