//! What is watched while the migration runs. Only here, and in `postgres`, are catalogue columns named.

pub mod catalogue;
pub mod locks;
pub mod watched;
pub mod waits;
pub mod pace;
pub mod activity;
pub mod sampler;
pub mod log;
