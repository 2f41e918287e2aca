//! A server with a proxy before it.

use std::path::PathBuf;
use std::sync::Arc;

use pgrehearse::postgres::Version;
use pgrehearse::provision::Choice;
use pgrehearse::rehearse::clock::Clock;
use pgrehearse::rehearse::migrate::Progress;
use pgrehearse::rehearse::observe::activity::Reader;
use pgrehearse::rehearse::observe::watched::Watched;
use pgrehearse::rehearse::proxy::{Proxy, Trace, Traced};
use pgrehearse::rehearse::recording::StatementRecord;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};

use crate::server::{Server, connect};
use crate::support::until;

pub(super) struct Stage {
    pub(super) admin: Client,
    pub(super) proxy: Proxy,
    pub(super) trace: Trace,
    pub(super) config: Config,
    pub(super) server: Server,
}

impl Stage {
    /// A database with what `sql` makes in it, on a server behind a private socket.
    pub(super) async fn with(sql: &str) -> Stage {
        let server = Server::start_on(Choice::Local, None).await;
        let config = server.database("stage").await;
        let admin = connect(&config).await;
        admin.batch_execute(sql).await.unwrap();
        let row = admin
            .query_one("SELECT current_setting('server_version_num')::int4", &[])
            .await
            .unwrap();
        let version = Version(u32::try_from(row.get::<_, i32>(0)).unwrap());
        let clock = Clock::start();
        let reader = Reader::new(connect(&config).await, version, clock).await;
        let trace = Trace {
            clock,
            watched: Watched::default(),
            reader: Arc::new(reader.unwrap()),
            step: 0,
            progress: Progress::default(),
        };
        let proxy = Proxy::start(config.clone(), trace.clone()).await.unwrap();
        Stage {
            admin,
            proxy,
            trace,
            config,
            server,
        }
    }

    pub(super) async fn through(&self) -> Client {
        connect(&self.proxy.config()).await
    }

    /// The server's own socket.
    pub(super) fn socket(&self) -> PathBuf {
        let [Host::Unix(dir)] = self.config.get_hosts() else {
            panic!("it listens on a socket")
        };
        dir.join(format!(".s.PGSQL.{}", self.config.get_ports()[0]))
    }

    /// Waits until another session runs a statement with this in it.
    pub(super) async fn until_runs(&self, what: &str) {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'";
        until(what, async || {
            let row = self.admin.query_one(sql, &[&what]).await.unwrap();
            row.get::<_, i64>(0) > 0
        })
        .await;
    }

    pub(super) async fn stop(self) -> Stopped {
        let traced = self.proxy.stop().await;
        Stopped {
            admin: self.admin,
            traced,
            statements: std::mem::take(&mut *self.trace.progress.lock().unwrap()),
            server: self.server,
        }
    }
}

/// What is left when the proxy has been stopped.
pub(super) struct Stopped {
    pub(super) admin: Client,
    pub(super) traced: Traced,
    pub(super) statements: Vec<StatementRecord>,
    pub(super) server: Server,
}
