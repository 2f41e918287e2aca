//! Runs the steps under traffic and records what happens.

pub mod clock;
pub mod workload;
pub mod recording;
pub mod journal;
pub mod load;
pub mod recovery;
pub mod observe;
pub mod adversary;
pub mod migrate;
pub mod proxy;
pub mod command;
mod conduct;

pub use conduct::{rehearse, server_settings};
pub use recording::Recording;
pub use workload::Spec;
