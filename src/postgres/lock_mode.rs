//! The eight modes of a table lock and which of them exclude each other.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mode of a heavyweight lock, spelled as `pg_locks.mode` spells it, weakest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum LockMode {
    AccessShareLock,
    RowShareLock,
    RowExclusiveLock,
    ShareUpdateExclusiveLock,
    ShareLock,
    ShareRowExclusiveLock,
    ExclusiveLock,
    AccessExclusiveLock,
}

use LockMode::*;

impl LockMode {
    /// All modes, weakest first.
    pub const ALL: [LockMode; 8] = [
        AccessShareLock,
        RowShareLock,
        RowExclusiveLock,
        ShareUpdateExclusiveLock,
        ShareLock,
        ShareRowExclusiveLock,
        ExclusiveLock,
        AccessExclusiveLock,
    ];

    /// Whether two sessions cannot hold these modes on one table at the same time.
    ///
    /// Source: "Conflicting Lock Modes", table 13.2 of the PostgreSQL manual.
    pub fn conflicts_with(self, other: LockMode) -> bool {
        let conflicting: &[LockMode] = match self {
            AccessShareLock => &[AccessExclusiveLock],
            RowShareLock => &[ExclusiveLock, AccessExclusiveLock],
            RowExclusiveLock => &[
                ShareLock,
                ShareRowExclusiveLock,
                ExclusiveLock,
                AccessExclusiveLock,
            ],
            ShareUpdateExclusiveLock => &[
                ShareUpdateExclusiveLock,
                ShareLock,
                ShareRowExclusiveLock,
                ExclusiveLock,
                AccessExclusiveLock,
            ],
            ShareLock => &[
                RowExclusiveLock,
                ShareUpdateExclusiveLock,
                ShareRowExclusiveLock,
                ExclusiveLock,
                AccessExclusiveLock,
            ],
            ShareRowExclusiveLock => &[
                RowExclusiveLock,
                ShareUpdateExclusiveLock,
                ShareLock,
                ShareRowExclusiveLock,
                ExclusiveLock,
                AccessExclusiveLock,
            ],
            ExclusiveLock => &LockMode::ALL[1..],
            AccessExclusiveLock => &LockMode::ALL,
        };
        conflicting.contains(&other)
    }

    /// Whether a plain `SELECT` has to wait while this mode is held.
    pub fn blocks_reads(self) -> bool {
        self.conflicts_with(AccessShareLock)
    }

    /// Whether `INSERT`, `UPDATE` and `DELETE` have to wait while this mode is held.
    pub fn blocks_writes(self) -> bool {
        self.conflicts_with(RowExclusiveLock)
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A text that is none of the eight modes.
#[derive(Debug, thiserror::Error)]
#[error("unknown lock mode {0:?}: expected one of pg_locks, such as AccessExclusiveLock")]
pub struct UnknownLockMode(String);

impl FromStr for LockMode {
    type Err = UnknownLockMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        LockMode::ALL
            .into_iter()
            .find(|mode| mode.to_string() == text)
            .ok_or_else(|| UnknownLockMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conflict_matrix_is_symmetric() {
        for a in LockMode::ALL {
            for b in LockMode::ALL {
                assert_eq!(a.conflicts_with(b), b.conflicts_with(a), "{a} and {b}");
            }
        }
    }

    #[test]
    fn only_access_exclusive_blocks_reads() {
        let blocking: Vec<_> = LockMode::ALL
            .into_iter()
            .filter(|m| m.blocks_reads())
            .collect();
        assert_eq!(blocking, [AccessExclusiveLock]);
    }

    #[test]
    fn share_and_above_block_writes() {
        let blocking: Vec<_> = LockMode::ALL
            .into_iter()
            .filter(|m| m.blocks_writes())
            .collect();
        assert_eq!(blocking, LockMode::ALL[4..]);
    }

    #[test]
    fn every_mode_is_read_back_from_its_name() {
        for mode in LockMode::ALL {
            assert_eq!(mode.to_string().parse::<LockMode>().unwrap(), mode);
        }
        assert!("AccessExclusive".parse::<LockMode>().is_err());
    }
}
