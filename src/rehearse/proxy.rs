//! A proxy between a migration tool and the server: it sees where statements begin and end, whatever the tool.
//!
//! ```text
//! tool --requests--> conversation --> server
//!      <--answers--- conversation <--
//! ```
//!
//! Bytes pass as they are. The answer to a statement in a transaction waits until the migration's locks have been
//! read, so that each belongs to the statement that took it, as when we run a script ourselves. What commits on its
//! own has let go of its locks by then: the sampler sees those, if anyone does.

mod frames;
mod said;
mod texts;
mod ledger;
mod conversation;
mod opening;
mod relay;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::clock::Clock;
use super::migrate::Progress;
use super::observe::activity::Reader;
use super::observe::watched::Watched;
use super::recording::{StatementFailure, TryRecord};
use ledger::Ledger;
use relay::{Shared, serve};

/// More connections at once than any migration tool has, and fewer than would use up our file descriptors.
const CONNECTIONS_MAX: usize = 256;

/// After a connection could not be taken, for want of file descriptors as a rule.
const PAUSE: Duration = Duration::from_millis(50);

/// What the proxy tells, and whom.
#[derive(Clone)]
pub struct Trace {
    pub clock: Clock,
    /// Where the sessions of the tool are watched.
    pub watched: Watched,
    /// Reads their locks, on a connection of its own.
    pub reader: Arc<Reader>,
    /// The step that the tool runs in.
    pub step: usize,
    /// Where the statements go, while they run. `index` is a statement's place in it, `migrator` its session's
    /// number.
    pub progress: Progress,
}

/// A listener on the loopback interface that leads to the server.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    listener: JoinHandle<()>,
}

/// What came of the tool's connections. Its statements are in [`Trace::progress`].
#[derive(Debug)]
pub struct Traced {
    /// One for each session, in the order in which they were let in. `error` is what its last statement came to.
    pub sessions: Vec<TryRecord>,
    /// Every error that the server sent.
    pub failures: Vec<StatementFailure>,
    /// Why connections were not let in or were closed.
    pub refused: Vec<String>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. Must be called within a runtime, on which the proxy then runs.
    pub async fn start(server: Config, trace: Trace) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let password = match server.get_password() {
            Some(password) => password.to_owned(),
            None => format!("{:032x}", rand::random::<u128>()).into_bytes(),
        };
        let shared = Arc::new(Shared {
            ledger: Arc::new(Ledger::new(Arc::clone(&trace.progress))),
            server,
            trace,
            password,
        });
        let (stop, stopped) = watch::channel(false);
        let listener = tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        Ok(Proxy {
            address,
            shared,
            stop,
            listener,
        })
    }

    /// How the tool is to connect: without encryption, as the user and to the database of the server's config.
    /// Holds a password, also for a server that asks for none: never print it.
    pub fn config(&self) -> Config {
        let server = &self.shared.server;
        let mut config = Config::new();
        config
            .host(self.address.ip().to_string())
            .port(self.address.port())
            .password(&self.shared.password)
            .ssl_mode(SslMode::Disable);
        if let Some(user) = server.get_user() {
            config.user(user);
        }
        if let Some(dbname) = server.get_dbname() {
            config.dbname(dbname);
        }
        config
    }

    /// Closes the listener and all connections. A statement under way is cancelled.
    pub async fn stop(self) -> Traced {
        self.stop.send_replace(true);
        // It could only have panicked, and what was recorded is there all the same.
        let _ = self.listener.await;
        let (sessions, failures, refused) = self.shared.ledger.take();
        Traced {
            sessions,
            failures,
            refused,
        }
    }
}

/// Takes connections until it is stopped, and waits for them to end.
async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let stopped = stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok(_) if connections.len() >= CONNECTIONS_MAX => {
                let reason = format!("there are {CONNECTIONS_MAX} connections already");
                shared.ledger.refuses(reason);
            }
            Ok((client, _)) => {
                connections.spawn(serve(Arc::clone(&shared), client, stopped.clone()));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
