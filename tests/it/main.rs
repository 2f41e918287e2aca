//! All integration tests in one binary.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;
mod server;
mod provision;
mod seed;
mod scenarios;
mod migrator;
mod rehearsal;
mod load;
mod derive;
mod repository;
mod adversaries;
mod proxy;
mod faults;
mod tools;
mod turns;
mod input;
mod render;
mod tidy;
