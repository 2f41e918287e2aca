//! One connection of the load, as a pooled connection of an application behaves.
//!
//! Statements are prepared once per connection and used again. After an error that spoils a prepared statement
//! it is prepared anew at its next use; after a broken connection the worker connects again. Either way the
//! failed query is counted with its SQLSTATE and the load goes on.

use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio_postgres::{Client, Statement};

use super::dispatch::{Desk, Job};
use super::params::ParamValue;
use super::tally::Completion;
use crate::postgres::{SqlState, failure};

/// Time between two attempts to connect again.
const RECONNECT: Duration = Duration::from_millis(100);

pub(super) struct Worker {
    config: tokio_postgres::Config,
    desk: Rc<Desk>,
    index: usize,
    client: Client,
    statements: HashMap<(usize, usize), Statement>,
}

impl Worker {
    /// Connects and prepares the queries of the first version, as a pool that has been in use for a while.
    pub(super) async fn connect(
        config: tokio_postgres::Config,
        desk: Rc<Desk>,
        index: usize,
    ) -> Result<Worker, tokio_postgres::Error> {
        let client = open(&config).await?;
        let mut worker = Worker {
            config,
            desk,
            index,
            client,
            statements: HashMap::new(),
        };
        for query in 0..worker.desk.traffic.apps[0].queries.len() {
            // A query that cannot be prepared fails when it comes, and is counted then.
            let _ = worker.statement(0, query).await;
        }
        Ok(worker)
    }

    pub(super) async fn work(mut self) {
        let (sender, mut inbox) = mpsc::unbounded_channel();
        loop {
            let job = match self.desk.next_job(self.index, &sender) {
                Some(job) => job,
                None => match inbox.recv().await {
                    Some(job) => job,
                    None => return,
                },
            };
            self.desk.begins(self.index, job);
            let error = self.perform(job).await.err();
            let completion = Completion {
                app: job.app,
                query: job.query,
                kind: self.desk.traffic.apps[job.app].queries[job.query].kind,
                scheduled: job.arrival.scheduled,
                done: self.desk.journal.clock.now(),
                delayed: job.delayed,
                error: error.as_ref().map(sqlstate),
            };
            self.desk.completed(self.index, &completion);
            if let Some(error) = error {
                self.recover(job, &error).await;
            }
        }
    }

    async fn perform(&mut self, job: Job) -> Result<(), tokio_postgres::Error> {
        let statement = self.statement(job.app, job.query).await?;
        let params = self.desk.params(job.app);
        let params = params[job.query].iter().map(|source| ParamValue {
            source,
            number: job.arrival.number,
        });
        let mut rows = pin!(self.client.query_raw(&statement, params).await?);
        while rows.try_next().await?.is_some() {}
        Ok(())
    }

    async fn statement(
        &mut self,
        app: usize,
        query: usize,
    ) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(&(app, query)) {
            return Ok(statement.clone());
        }
        let sql = &self.desk.traffic.apps[app].queries[query].sql;
        let statement = self.client.prepare(sql).await?;
        self.statements.insert((app, query), statement.clone());
        Ok(statement)
    }

    async fn recover(&mut self, job: Job, error: &tokio_postgres::Error) {
        self.statements.remove(&(job.app, job.query));
        if !error.is_closed() && !self.client.is_closed() {
            return;
        }
        self.statements.clear();
        loop {
            match open(&self.config).await {
                Ok(client) => break self.client = client,
                Err(_) => tokio::time::sleep(RECONNECT).await,
            }
        }
    }
}

async fn open(config: &tokio_postgres::Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(crate::provision::tls(config)).await?;
    // Its error reaches the query under way.
    tokio::task::spawn_local(async move { drop(connection.await) });
    Ok(client)
}

/// An error without a code of the server's is a broken connection, or a value that could not be sent.
fn sqlstate(error: &tokio_postgres::Error) -> SqlState {
    failure::sqlstate(error).unwrap_or(if error.is_closed() {
        SqlState::CONNECTION_FAILURE
    } else {
        SqlState::PROTOCOL_VIOLATION
    })
}
