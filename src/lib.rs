//! A dress rehearsal for Postgres migrations.
//!
//! ```text
//! arguments -> Plan -> Server -> Template -> Recording -> Report -> text, Comparison, Verdict
//!              resolve  provision  seed       rehearse     (pure from here on)
//! ```
//!
//! Modules stand in the order in which they may use each other: each uses only those above it.

pub mod postgres;
pub mod units;
pub mod talk;
pub mod input;
pub mod cli;
pub mod migrations;
pub mod provision;
pub mod seed;
pub mod rehearse;
pub mod plan;
pub mod report;
pub mod compare;
pub mod gate;
pub mod render;
pub mod commands;
