//! A server with a load on it that a test disturbs.

use std::collections::BTreeMap;
use std::time::Duration;

use pgrehearse::provision::Choice;
use pgrehearse::rehearse::clock::Clock;
use pgrehearse::rehearse::journal::Journal;
use pgrehearse::rehearse::load::params::QueryParams;
use pgrehearse::rehearse::load::{self, Arrivals, Driver, Traffic};
use pgrehearse::rehearse::recording::Phase;
use pgrehearse::rehearse::workload::{App, Load, Param, Protocol, Query, QueryKind};
use pgrehearse::seed::context::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{Client, Config};

use crate::server::{self, Server};
use crate::support::until;

/// What the load's sessions are called here.
pub(super) const NAME: &str = "load under test";

/// A server of this machine with a database for one test.
pub(super) struct Stage {
    pub(super) admin: Client,
    config: Config,
    pub(super) journal: Journal,
    _server: Server,
}

/// How much of what.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) arrivals_per_s: f64,
    pub(super) connections: usize,
    pub(super) protocol: Protocol,
}

impl Stage {
    pub(super) async fn with(sql: &str) -> Stage {
        let server = Server::start_on(Choice::Local, None).await;
        let mut config = server.database("stage").await;
        let admin = server::connect(&config).await;
        admin.batch_execute(sql).await.unwrap();
        config.application_name(NAME);
        Stage {
            admin,
            config,
            journal: Journal::new(Clock::start()),
            _server: server,
        }
    }

    /// Starts the baseline with one query as its traffic.
    pub(super) async fn load(&self, asked: Asked, sql: &str, params: &str) -> Driver {
        let load = Load {
            arrivals_per_s: asked.arrivals_per_s,
            connections: asked.connections,
            protocol: asked.protocol,
            warmup: Duration::ZERO,
            baseline: Duration::ZERO,
            recovery: Duration::ZERO,
            recovery_limit: Duration::ZERO,
            seed: 7,
        };
        let read: BTreeMap<String, Vec<Param>> =
            toml::from_str(&format!("p = [{params}]")).unwrap();
        let app = App {
            name: "v1".to_owned(),
            owner: None,
            queries: vec![Query {
                name: "q".to_owned(),
                kind: QueryKind::Read,
                weight: 1.0,
                sql: sql.to_owned(),
                params: read["p"].clone(),
            }],
        };
        let context = Context {
            tables: &BTreeMap::new(),
            rows: BTreeMap::new(),
            seed: 7,
            is_snapshot: false,
        };
        let params = QueryParams::of_app(&self.admin, &app, &context, asked.protocol);
        let params = params.await.unwrap();
        let traffic = Traffic {
            load,
            arrivals: Arrivals::Open,
            apps: vec![app],
        };
        self.journal.begin(Phase::Baseline);
        load::start(self.config.clone(), traffic, params, self.journal.clone())
            .await
            .unwrap()
    }

    /// Waits until so many more queries have come back than now.
    pub(super) async fn until_more_have_come_back(&self, queries: u64) {
        let completed = || {
            self.journal
                .intervals(|all| all.iter().map(|i| i.reads.completed).sum::<u64>())
        };
        let wanted = completed() + queries;
        until("queries come back", async || completed() >= wanted).await;
    }

    /// Waits until an interval has ended in which nothing was waiting, one that began from now on.
    pub(super) async fn until_drained(&self) {
        let seen = self.journal.intervals(<[_]>::len) + 1;
        until("nothing waits", async || {
            self.journal.intervals(|all| {
                all.get(seen..)
                    .is_some_and(|new| new.iter().any(|interval| interval.reads.waiting == 0))
            })
        })
        .await;
    }

    /// The process ids of the load's sessions.
    pub(super) async fn backends(&self) -> Vec<i32> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid";
        let rows = self.admin.query(sql, &[&NAME]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Backends that stand still until this is dropped.
pub(super) struct Paused(Vec<Pid>);

impl Paused {
    pub(super) fn all(pids: &[i32]) -> Paused {
        let pids = pids.iter().filter_map(|pid| Pid::from_raw(*pid));
        let paused = Paused(pids.collect());
        for pid in &paused.0 {
            kill_process(*pid, Signal::STOP).unwrap();
        }
        paused
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        for pid in &self.0 {
            kill_process(*pid, Signal::CONT).unwrap();
        }
    }
}
