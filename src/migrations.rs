//! Migrations: the directory layouts of the tools that run them, their scripts, and how each is run.

pub mod bookkeeping;
pub mod script;
pub mod listing;
pub mod directory;
pub mod layouts;

pub use directory::{Directory, Migration, Part};
pub use layouts::Layout;
pub use script::{Around, Script, ScriptError, Statement, StatementKind, Transaction};

use layouts::Rules;

/// All layouts. A new one is a file in `layouts` and an entry here.
pub static LAYOUTS: [Rules; 13] = [
    layouts::sqlx::RULES,
    layouts::diesel::RULES,
    layouts::refinery::RULES,
    layouts::golang_migrate::RULES,
    layouts::goose::RULES,
    layouts::dbmate::RULES,
    layouts::drizzle::RULES,
    layouts::prisma::RULES,
    layouts::flyway::RULES,
    layouts::liquibase::RULES,
    layouts::atlas::RULES,
    layouts::sqitch::RULES,
    layouts::plain::RULES,
];
