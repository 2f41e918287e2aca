//! A running server, or a database of one. It goes when it is dropped, with all that is in it.

use std::sync::Arc;

use tokio_postgres::{Client, Config};

use super::access::{self, Access};
use super::docker::Container;
use super::error::Error;
use super::local::Process;
use super::locks::{Lock, Owner};
use super::programs::Programs;
use super::url::Database;
use super::{Provider, Role};
use crate::postgres::Version;
use crate::postgres::failure::in_words;

/// A server that a rehearsal has to itself, apart from `url`, where it has a database.
///
/// Dropping it kills it and removes its data. Drop it within a multi-threaded runtime.
pub struct Server {
    running: Running,
    access: Access,
    version: Version,
    unset_settings: Vec<String>,
    build: Option<(String, Lock)>,
    /// Last, so that nobody takes what runs for left behind.
    _owner: Arc<Owner>,
}

/// What there is to stop and to remove.
pub(super) enum Running {
    Docker(Container),
    Local(Process),
    Url(Database),
}

impl Server {
    pub(super) async fn new(
        running: Running,
        access: Access,
        owner: Arc<Owner>,
    ) -> Result<Server, Error> {
        let admin = connect(&access.config(Role::Admin)).await?;
        let version = access::supported_version(&admin).await?;
        Ok(Server {
            running,
            access,
            version,
            unset_settings: Vec::new(),
            build: None,
            _owner: owner,
        })
    }

    /// The same server, as the one that is seeded to become the template `key`.
    pub(super) fn building(mut self, key: &str, lock: Lock) -> Server {
        self.build = Some((key.to_owned(), lock));
        self
    }

    pub(super) fn without(mut self, settings: Vec<String>) -> Server {
        self.unset_settings = settings;
        self
    }

    pub(super) fn into_build(self) -> (String, Running, Lock) {
        let (key, lock) = self.build.expect("only an empty server can be sealed");
        (key, self.running, lock)
    }

    pub fn provider(&self) -> Provider {
        match self.running {
            Running::Docker(_) => Provider::Docker,
            Running::Local(_) => Provider::Local,
            Running::Url(_) => Provider::Url,
        }
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the server is ours alone, its log and its roles too. Not so with `url`.
    pub fn has_own_server(&self) -> bool {
        !matches!(self.running, Running::Url(_))
    }

    /// Settings that were asked for and could not be applied: `url` has no say in many.
    pub fn unset_settings(&self) -> &[String] {
        &self.unset_settings
    }

    /// How to connect to the seeded database in this role. Holds a password: never print it.
    pub fn config(&self, role: Role) -> Config {
        self.access.config(role)
    }

    /// Opens a connection, which runs on the current runtime.
    pub async fn connect(&self, role: Role) -> Result<Client, Error> {
        connect(&self.config(role)).await
    }

    /// The client programs of its version, for the seeded database.
    pub fn programs(&self) -> Programs {
        let config = self.config(Role::Migration);
        match &self.running {
            Running::Docker(container) => Programs::inside(container.inside(), &config),
            Running::Local(process) => Programs::beside(process.bindir(), &config),
            Running::Url(database) => {
                Programs::installed(self.version.major(), &config, database.wanted())
            }
        }
    }

    /// What is free on the disk that holds the data, where that can be known.
    pub async fn free_bytes(&self) -> Option<u64> {
        match &self.running {
            Running::Docker(container) => container.free_bytes().await,
            Running::Local(process) => process.free_bytes(),
            Running::Url(_) => None,
        }
    }

    /// Stops the server as one would in production, and removes it.
    pub async fn stop(self) -> Result<(), Error> {
        match &self.running {
            Running::Docker(container) => container.stop().await,
            Running::Local(process) => process.stop().await,
            Running::Url(_) => Ok(()),
        }
    }
}

async fn connect(config: &Config) -> Result<Client, Error> {
    access::connect(config).await.map_err(|e| Error::Connect {
        reason: in_words(&e),
    })
}
