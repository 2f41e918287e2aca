//! Migration scripts: their statements, and how they are run.

pub mod script;

pub use script::{Script, ScriptError, Statement, StatementKind, Transaction};
