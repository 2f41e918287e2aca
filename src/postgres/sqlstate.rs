//! SQLSTATE: the five characters with which Postgres names an error.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A five-character error code, such as `42703`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct SqlState([u8; 5]);

impl SqlState {
    pub const PROTOCOL_VIOLATION: SqlState = SqlState(*b"08P01");
    pub const CONNECTION_FAILURE: SqlState = SqlState(*b"08006");

    pub const DISK_FULL: SqlState = SqlState(*b"53100");
    pub const LOCK_NOT_AVAILABLE: SqlState = SqlState(*b"55P03");
    pub const DEADLOCK_DETECTED: SqlState = SqlState(*b"40P01");

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters and digits get in")
    }

    /// What the code means, in the manual's words (appendix A), for the codes a migration meets.
    pub fn meaning(&self) -> Option<&'static str> {
        Some(match self.as_str() {
            "08006" => "connection failure",
            "0A000" => "feature not supported",
            "22P02" => "invalid text representation",
            "22003" => "numeric value out of range",
            "22001" => "string data right truncation",
            "23502" => "not null violation",
            "23503" => "foreign key violation",
            "23505" => "unique violation",
            "23514" => "check violation",
            "25001" => "active SQL transaction",
            "25P02" => "in failed SQL transaction",
            "40001" => "serialization failure",
            "40P01" => "deadlock detected",
            "42601" => "syntax error",
            "42501" => "insufficient privilege",
            "42703" => "undefined column",
            "42704" => "undefined object",
            "42710" => "duplicate object",
            "42701" => "duplicate column",
            "42804" => "datatype mismatch",
            "42P01" => "undefined table",
            "42P07" => "duplicate table",
            "53100" => "disk full",
            "53300" => "too many connections",
            "55P03" => "lock not available",
            "57014" => "query canceled",
            "57P01" => "admin shutdown",
            "57P02" => "crash shutdown",
            "57P03" => "cannot connect now",
            _ => return None,
        })
    }
}

/// A text that is not five upper-case letters or digits.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an SQLSTATE: expected five upper-case letters or digits")]
pub struct NotAnSqlState(String);

impl FromStr for SqlState {
    type Err = NotAnSqlState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: [u8; 5] = text
            .as_bytes()
            .try_into()
            .map_err(|_| NotAnSqlState(text.to_owned()))?;
        if bytes
            .iter()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        {
            Ok(SqlState(bytes))
        } else {
            Err(NotAnSqlState(text.to_owned()))
        }
    }
}

impl TryFrom<String> for SqlState {
    type Error = NotAnSqlState;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SqlState> for String {
    fn from(state: SqlState) -> String {
        state.as_str().to_owned()
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
