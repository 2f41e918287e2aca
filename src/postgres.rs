//! Types that mirror Postgres: lock modes, relations, versions, error codes and what errors say, and questions to the catalogue.
//! No I/O.

pub mod catalogue;
pub mod database;
pub mod failure;
pub mod lock_mode;
pub mod relation;
pub mod sqlstate;
pub mod structure;
pub mod statistics;
pub mod version;

pub use lock_mode::LockMode;
pub use relation::{RelationKind, RelationName};
pub use sqlstate::SqlState;
pub use version::Version;
