//! One connection of the load, as a pooled connection of an application behaves.

use std::rc::Rc;

use tokio_postgres::types::Type;

use super::Arrivals;
use super::dispatch::{Desk, Job};
use super::params::ParamValue;
use super::pool::{Note, RECONNECT, Remedy};
use super::tally::Completion;
use super::wire::{Connection, Failure};

pub(super) struct Worker {
    config: tokio_postgres::Config,
    desk: Rc<Desk>,
    index: usize,
    connection: Connection,
    /// By version and query.
    statements: Vec<Vec<Statement>>,
    /// Where texts for the simple protocol are written.
    text: String,
}

/// What the connection has of a query.
struct Statement {
    name: String,
    /// The types of its parameters; `None` until it is prepared.
    types: Option<Vec<Type>>,
    /// An error has shown that what was prepared does not fit the schema any more.
    is_spoiled: bool,
}

impl Worker {
    /// Connects and prepares the queries of the first version, as a pool that has been in use for a while.
    pub(super) async fn connect(
        config: tokio_postgres::Config,
        desk: Rc<Desk>,
        index: usize,
    ) -> anyhow::Result<Worker> {
        let mut worker = Worker {
            connection: Connection::open(&config).await?,
            statements: unprepared(&desk),
            text: String::new(),
            config,
            desk,
            index,
        };
        let params = worker.desk.params(0);
        for query in 0..params.len() {
            if params[query].template.is_none() {
                // A query that cannot be prepared fails when it comes, and is counted then.
                let _ = worker.prepare(0, query).await;
            }
        }
        Ok(worker)
    }

    pub(super) async fn work(mut self) {
        let clock = self.desk.journal.clock;
        loop {
            let job = self.desk.next_job(self.index).await;
            // In a closed loop nothing can be late.
            if !job.delayed && self.desk.traffic.arrivals == Arrivals::Open {
                let now = clock.now();
                self.desk
                    .note(now, Note::Sent(now.since(job.arrival.scheduled)));
            }
            let failure = self.perform(job).await.err();
            let completion = Completion {
                app: job.app,
                query: job.query,
                kind: job.kind,
                scheduled: job.arrival.scheduled,
                done: clock.now(),
                delayed: job.delayed,
                error: failure.map(|failure| failure.sqlstate),
            };
            self.desk.completed(self.index, &completion);
            match failure.map_or(Remedy::Nothing, Remedy::after) {
                Remedy::Nothing => {}
                Remedy::PrepareAgain => self.statements[job.app][job.query].spoil(),
                Remedy::Reconnect => self.reconnect().await,
            }
        }
    }

    async fn perform(&mut self, job: Job) -> Result<(), Failure> {
        let params = self.desk.params(job.app);
        let params = &params[job.query];
        let number = job.arrival.number;
        if let Some(template) = &params.template {
            template.write(&params.sources, number, &mut self.text);
            return self.connection.run(&self.text).await;
        }
        self.prepare(job.app, job.query).await?;
        let statement = &self.statements[job.app][job.query];
        let types = statement.types.as_deref().unwrap_or_default();
        let values = params.sources.iter();
        let values = values.map(|source| ParamValue { source, number });
        self.connection
            .execute(&statement.name, types, values)
            .await
    }

    /// Prepares the query's statement unless it is.
    async fn prepare(&mut self, app: usize, query: usize) -> Result<(), Failure> {
        let statement = &mut self.statements[app][query];
        if statement.types.is_some() {
            return Ok(());
        }
        let sql = &self.desk.traffic.apps[app].queries[query].sql;
        let mut types = Vec::new();
        for oid in self.connection.prepare(&statement.name, sql).await? {
            types.push(self.desk.type_of(&self.config, oid).await?);
        }
        statement.types = Some(types);
        if std::mem::take(&mut statement.is_spoiled) {
            self.desk
                .note(self.desk.journal.clock.now(), Note::PreparedAgain);
        }
        Ok(())
    }

    async fn reconnect(&mut self) {
        let clock = self.desk.journal.clock;
        let broke = clock.now();
        self.desk.note(broke, Note::Lost);
        self.statements = unprepared(&self.desk);
        self.connection = loop {
            match Connection::open(&self.config).await {
                Ok(connection) => break connection,
                Err(_) => tokio::time::sleep(RECONNECT).await,
            }
        };
        let back = clock.now();
        self.desk.note(back, Note::Reconnected(back.since(broke)));
    }
}

impl Statement {
    fn spoil(&mut self) {
        // One that could not be prepared in the first place is not prepared again.
        self.is_spoiled |= self.types.take().is_some();
    }
}

fn unprepared(desk: &Desk) -> Vec<Vec<Statement>> {
    let of_app = |(app, queries): (usize, usize)| {
        let statement = |query| Statement {
            name: format!("v{app}q{query}"),
            types: None,
            is_spoiled: false,
        };
        (0..queries).map(statement).collect()
    };
    let apps = desk.traffic.apps.iter().map(|app| app.queries.len());
    apps.enumerate().map(of_app).collect()
}
