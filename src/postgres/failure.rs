//! What an error says, of the server or of the connection to it, in the words for a message.

use std::error::Error as _;

use tokio_postgres::Error;

use super::SqlState;

/// Why it failed, with its SQLSTATE where the server named one: `relation "x" does not exist [42P01]`.
/// Holds no password: neither server nor network repeats one.
pub fn in_words(error: &Error) -> String {
    match error.code() {
        Some(code) => format!("{} [{}]", message(error), code.code()),
        None => message(error),
    }
}

/// Why it failed: the server's message with its detail, or what became of the connection.
pub fn message(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        return match db.detail() {
            Some(detail) => format!("{} ({})", db.message(), detail.trim_end_matches('.')),
            None => db.message().to_owned(),
        };
    }
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The server's code; `None` for an error that is not the server's.
pub fn sqlstate(error: &Error) -> Option<SqlState> {
    error.code().and_then(|code| code.code().parse().ok())
}
/// Whether the server has something against what it was sent, and is not itself in trouble: out of disk or memory,
/// shutting down, broken.
pub fn is_about_values(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map_or("", |state| state.code());
    let in_trouble = ["08", "53", "57", "58", "F0", "XX"];
    !code.is_empty() && !in_trouble.iter().any(|class| code.starts_with(class))
}
