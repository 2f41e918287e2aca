//! Versions of the server.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The oldest major version that a rehearsal runs on.
pub const OLDEST_SUPPORTED: u16 = 13;

/// A server's version as `server_version_num` gives it: 150018 is 15.18.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Version(pub u32);

impl Version {
    /// The major version: 15 of 15.18, and 9 of 9.6.
    pub fn major(self) -> u16 {
        u16::try_from(self.0 / 10_000).unwrap_or(u16::MAX)
    }

    pub fn is_supported(self) -> bool {
        self.major() >= OLDEST_SUPPORTED
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.major() < 10 {
            write!(
                f,
                "{}.{}.{}",
                self.0 / 10_000,
                self.0 / 100 % 100,
                self.0 % 100
            )
        } else {
            write!(f, "{}.{}", self.0 / 10_000, self.0 % 10_000)
        }
    }
}
