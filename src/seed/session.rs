//! A connection to the server that is filled.

use std::ops::Deref;

use tokio::task::JoinSet;
use tokio_postgres::{Client, Config};

use super::Error;
use crate::provision::tls;

/// Memory for one index, nobody's patience, no parallel helpers: the sessions are the parallelism.
/// Commits are synchronous: VACUUM does not mark rows all-visible whose commit is not flushed yet.
const SETTINGS: &str = "
    SET client_min_messages = warning;
    SET statement_timeout = 0;
    SET lock_timeout = 0;
    SET maintenance_work_mem = '192MB';
    SET max_parallel_maintenance_workers = 0;
    SET synchronous_commit = on;
    SET search_path = public";

/// A client whose connection ends with it, also when a worker is aborted.
pub(super) struct Session {
    client: Client,
    _connection: JoinSet<()>,
}

impl Session {
    pub(super) async fn open(config: &Config) -> Result<Session, Error> {
        let (client, connection) = config.connect(tls(config)).await.map_err(Error::Connect)?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What ends a connection reaches the caller as the error of its query.
            let _ = connection.await;
        });
        client
            .batch_execute(SETTINGS)
            .await
            .map_err(Error::Connect)?;
        Ok(Session {
            client,
            _connection: driver,
        })
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
