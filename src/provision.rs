//! Where Postgres comes from: a container, installed binaries, or a server the user names.

mod error;
mod locks;
mod tls;
mod access;
mod trial;
mod settings;
mod local;
mod docker;
mod url;
mod room;
mod seeding;
mod named;
mod programs;
mod host;
mod server;
mod clean;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::access::connect;
pub use self::clean::clean;
pub use self::error::Error;
pub use self::host::{Host, open};
pub use self::named::Named;
pub use self::programs::{Input, Programs};
pub use self::server::Server;
pub use self::settings::{Accepted, Brought, Setting, is_ours};
pub use self::tls::{Tls, tls};
use crate::postgres::Version;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub choice: Choice,
    /// `--image`: an image's name without its tag, in place of `postgres`.
    pub image: Option<String>,
    /// `--bindir`: where `initdb` and `postgres` are.
    pub bindir: Option<PathBuf>,
    /// `--url`: the server of the `url` provider. Holds a password: never print it.
    pub url: Option<String>,
    /// Whether a clone's files are in the system's memory when its server starts.
    pub os_cache: OsCache,
    /// `--port`: also listen on this TCP port of the loopback.
    pub port: Option<u16>,
    /// Where templates and the directories of running servers are kept.
    pub cache_dir: PathBuf,
    /// What all templates of a provider may take; `None` for a quarter of the disk. Those on the server of
    /// `--url` don't count.
    pub cache_bytes_max: Option<u64>,
}

/// Which provider is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Auto,
    Docker,
    Local,
    Url,
}

/// Which provider it became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Docker,
    Local,
    Url,
}

/// What the operating system still holds of a clone's files when its server starts. `shared_buffers` is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OsCache {
    /// As copying has left them, most of them in memory.
    #[default]
    Warm,
    /// Nothing: every file has been dropped from memory.
    Cold,
}

/// In whose name a connection is opened. Decides user and `application_name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sets up and observes; a superuser where there is one.
    Admin,
    /// Runs the migration, and owns what the dataset's schema creates.
    Migration,
    /// Runs the workload; a member of `Migration`, with settings of its own.
    Load,
}

impl Role {
    /// What `pg_stat_activity` and the server's log call its connections.
    pub fn application_name(self) -> &'static str {
        match self {
            Role::Admin => "pgrehearse admin",
            Role::Migration => "pgrehearse migration",
            Role::Load => "pgrehearse load",
        }
    }
}

/// What a template says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub dataset: String,
    pub rows: BTreeMap<String, u64>,
    /// `pg_database_size` after seeding.
    pub bytes: u64,
    pub seeded_in_ms: u64,
    pub postgres_version: Version,
    /// How its tables were filled, as the seeding stage writes it: as described, or inferred.
    #[serde(default)]
    pub tables: serde_json::Value,
}

/// Settings of `postgresql.conf`, by name.
pub type Settings = BTreeMap<String, String>;

/// A seeded database, complete and never started again: every run gets a copy of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub key: String,
    pub manifest: Manifest,
}

/// The cache directory where none is asked for: of the machine for root, else of the user.
pub fn default_cache_dir() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        // The server runs as another user then, who cannot enter root's home.
        return PathBuf::from("/var/cache/pgrehearse");
    }
    let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    std::env::var_os("XDG_CACHE_HOME")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| home.join(".cache"), PathBuf::from)
        .join("pgrehearse")
}
