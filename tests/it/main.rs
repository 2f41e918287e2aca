//! All integration tests in one binary.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;
mod server;
mod provision;
mod seed;
mod scenarios;
mod rehearsal;
mod load;
mod adversaries;
mod faults;
mod turns;
mod input;
mod render;
mod tidy;
