//! The traffic: an open loop on a thread and a runtime of its own.
//!
//! ```text
//! schedule --arrivals--> dispatcher --jobs--> one worker per connection --> tally
//! ```
//!
//! Arrivals come at their scheduled time whatever the server does, and a query's latency counts from there, so
//! a server that stands still cannot hide the queries that would have come meanwhile.

pub mod pacer;
pub mod params;
pub mod trial;
pub mod tally;
mod literal;
mod mix;
mod dispatch;
mod worker;
mod pool;
pub(super) mod wire;

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};

use super::clock::At;
use super::journal::Journal;
use super::recording::{ClassRecord, LoadRecord, TotalRecord};
use super::workload::{App, Load};
use params::AppParams;

/// One arrival of a query, at the time when the schedule has it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub number: u64,
    pub scheduled: At,
}

/// What the load's thread is told.
pub(crate) enum Message {
    Deploy {
        app: usize,
        params: AppParams,
        overlap: Duration,
    },
    Stop,
}

/// When queries arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// By a schedule of its own, whatever the server does.
    Open,
    /// Each connection's next query as soon as its last has come back. It waits for the server where users would
    /// not, so it says nothing of latency: only to find out what a server can do.
    Closed,
}

/// How it arrives, and the application versions; the traffic starts with the first.
#[derive(Debug)]
pub struct Traffic {
    pub load: Load,
    pub arrivals: Arrivals,
    pub apps: Vec<App>,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Counted {
    pub classes: Vec<ClassRecord>,
    pub totals: Vec<TotalRecord>,
    /// How the load itself fared, by phase.
    pub load: Vec<LoadRecord>,
}

/// The running load. Dropping it stops the traffic.
pub struct Driver {
    messages: mpsc::UnboundedSender<Message>,
    counted: oneshot::Receiver<Counted>,
    apps: Vec<String>,
}

/// Connects, prepares every query of the first version, and then starts the traffic.
pub async fn start(
    config: tokio_postgres::Config,
    traffic: Traffic,
    params: AppParams,
    journal: Journal,
) -> Result<Driver> {
    let (messages, inbox) = mpsc::unbounded_channel();
    let (ready, connected) = oneshot::channel();
    let (result, counted) = oneshot::channel();
    let apps = traffic.apps.iter().map(|app| app.name.clone()).collect();
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || {
            // A multi-threaded runtime needs a quarter more CPU for no more queries.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            let local = tokio::task::LocalSet::new();
            let counted = local.block_on(
                &runtime,
                dispatch::run(config, traffic, params, journal, inbox, ready),
            );
            // Nobody listens any more when the rehearsal was dropped.
            let _ = result.send(counted);
        })
        .context("cannot start the load's thread")?;
    connected.await.context("the load's thread ended early")??;
    Ok(Driver {
        messages,
        counted,
        apps,
    })
}

impl Driver {
    /// Moves the traffic to another version, bit by bit over `overlap`.
    pub fn deploy(&self, app: &str, params: AppParams, overlap: Duration) {
        if let Some(app) = self.apps.iter().position(|name| name == app) {
            // A load that has ended takes no more traffic.
            let _ = self.messages.send(Message::Deploy {
                app,
                params,
                overlap,
            });
        }
    }

    /// Ends the arrivals, gives what is under way a moment to come back, and hands over the counts.
    pub async fn stop(mut self) -> Counted {
        let _ = self.messages.send(Message::Stop);
        (&mut self.counted).await.unwrap_or_default()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Stop);
    }
}
