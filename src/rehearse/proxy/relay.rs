//! One connection of the command: bytes pass as they are in both directions, and some answers a little later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::Config;

use super::Trace;
use super::conversation::Conversation;
use super::ledger::Ledger;
use super::opening::{Opening, farewell, open};
use crate::rehearse::load::wire;

/// What is read at once, in each direction.
const BUFFER_BYTES: usize = 64 * 1024;

/// How long a client may take to be let in: the server's own `authentication_timeout`.
const OPENING_LIMIT: Duration = Duration::from_secs(60);

/// How long a reading of the locks may hold an answer back.
const READING_LIMIT: Duration = Duration::from_secs(5);

/// How long a server may take to end a connection that the client has left, or to take in a cancel request.
const ENDING_LIMIT: Duration = Duration::from_secs(5);

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) server: Config,
    pub(super) trace: Trace,
    pub(super) ledger: Arc<Ledger>,
    /// What a client has to know to be let in.
    pub(super) password: Vec<u8>,
}

/// Serves one connection to its end.
pub(super) async fn serve(
    shared: Arc<Shared>,
    mut client: TcpStream,
    mut stop: watch::Receiver<bool>,
) {
    let opening = async {
        client.set_nodelay(true)?;
        open(&mut client, &shared.server, &shared.password).await
    };
    let opened = tokio::select! {
        opened = timeout(OPENING_LIMIT, opening) => opened,
        () = stopped(&mut stop) => return,
    };
    let opened = opened.unwrap_or_else(|_| Ok(Opening::Over(Some("it took too long".to_owned()))));
    let turned_away = match opened {
        Ok(Opening::Session { server, unheard }) => {
            let relay = Relay::new(&shared);
            return relay.run(client, server, &unheard, stop).await;
        }
        // A cancel request is not answered; that it has been taken in shows as the connection's end.
        Ok(Opening::Cancel(packet)) => return drop(cancel(&shared.server, &packet).await),
        Ok(Opening::Over(None)) => return,
        Ok(Opening::Over(Some(reason))) => reason,
        Ok(Opening::Refused { sqlstate, reason }) => {
            // Whoever is refused need not listen.
            let _ = client.write_all(&farewell(sqlstate, &reason)).await;
            reason
        }
        Err(error) => format!("{error:#}"),
    };
    shared.ledger.refuses(turned_away);
}

/// Waits until the proxy is stopped, or dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Hands a cancel request to the server, on a connection of its own.
async fn cancel(server: &Config, packet: &[u8]) -> Result<()> {
    let hand_over = async {
        let mut socket = wire::reach(server).await?;
        socket.write_all(packet).await?;
        // The server says nothing, and hangs up when it has sent the signal.
        socket.read_u8().await?;
        Ok(())
    };
    timeout(ENDING_LIMIT, hand_over).await?
}

struct Relay<'a> {
    shared: &'a Shared,
    conversation: Mutex<Conversation>,
}

/// How one direction came to its end.
enum End {
    /// The peer has hung up.
    Closed,
    /// What it sent can't be passed on.
    Refused(String),
}

impl Relay<'_> {
    fn new(shared: &Shared) -> Relay<'_> {
        let trace = &shared.trace;
        let ledger = Arc::clone(&shared.ledger);
        let conversation = Conversation::new(ledger, trace.watched.clone(), trace.step);
        Relay {
            shared,
            conversation: Mutex::new(conversation),
        }
    }

    /// Passes on until one side has gone, and then waits for the server to end its own.
    async fn run(
        &self,
        client: TcpStream,
        server: Box<dyn wire::Socket>,
        unheard: &[u8],
        mut stop: watch::Receiver<bool>,
    ) {
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = tokio::io::split(server);
        let mut answers = Box::pin(self.answers(from_server, to_client, unheard));
        let mut reason = "the server closed the connection";
        let end = tokio::select! {
            end = &mut answers => Some(end),
            end = self.requests(&mut from_client, &mut to_server) => {
                if let End::Refused(what) = end {
                    self.shared.ledger.refuses(what);
                }
                reason = "its connection was closed";
                None
            }
            () = stopped(&mut stop) => {
                reason = "it was cut short";
                None
            }
        };
        let end = match end {
            Some(end) => end,
            None => {
                // What the server still says it says of a statement that runs to its end.
                let _ = to_server.shutdown().await;
                let over = async {
                    stopped(&mut stop).await;
                    // A server does not notice on its own that whoever asked is gone.
                    self.cancel().await;
                    let _ = timeout(ENDING_LIMIT, std::future::pending::<()>()).await;
                };
                tokio::select! {
                    end = &mut answers => end,
                    () = over => End::Closed,
                }
            }
        };
        if let End::Refused(what) = end {
            self.shared.ledger.refuses(what);
        }
        let now = self.shared.trace.clock.now();
        self.conversation().ends(now, reason);
    }

    /// What the client says, until it has hung up.
    async fn requests(
        &self,
        client: &mut (impl AsyncRead + Unpin),
        server: &mut (impl AsyncWrite + Unpin),
    ) -> End {
        let clock = self.shared.trace.clock;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let bytes = match client.read(&mut buffer).await {
                Ok(bytes) if bytes > 0 => &buffer[..bytes],
                _ => return End::Closed,
            };
            if let Err(what) = self.conversation().requests(bytes) {
                return End::Refused(what);
            }
            let reads_first = self.conversation().reads_first(clock.now());
            if reads_first {
                self.read_locks().await;
            }
            self.conversation().passes_on(clock.now());
            if server.write_all(bytes).await.is_err() {
                // The server may have said why: that comes the other way.
                return std::future::pending().await;
            }
        }
    }

    /// What the server says, until it has hung up; at first what it has said already.
    async fn answers(
        &self,
        mut server: impl AsyncRead + Unpin,
        mut client: impl AsyncWrite + Unpin,
        unheard: &[u8],
    ) -> End {
        let mut buffer = vec![0; BUFFER_BYTES.max(unheard.len())];
        buffer[..unheard.len()].copy_from_slice(unheard);
        let mut bytes = unheard.len();
        let mut listens = true;
        loop {
            let now = self.shared.trace.clock.now();
            let looked = self.conversation().answers(&buffer[..bytes], now);
            match looked {
                Ok(true) => self.read_locks().await,
                Ok(false) => {}
                Err(what) => return End::Refused(format!("of the server: {what}")),
            }
            // A client that is gone does not keep its last statement from being followed to its end.
            listens = listens && client.write_all(&buffer[..bytes]).await.is_ok();
            let next = server.read(&mut buffer);
            let next = match listens {
                true => next.await,
                false => timeout(ENDING_LIMIT, next).await.unwrap_or(Ok(0)),
            };
            bytes = match next {
                Ok(bytes) if bytes > 0 => bytes,
                _ => return End::Closed,
            };
        }
    }

    /// Reads the migration's locks. Without a reading the sampler's brackets remain.
    async fn read_locks(&self) {
        let Trace {
            reader,
            watched,
            clock,
            ..
        } = &self.shared.trace;
        let read = timeout(READING_LIMIT, reader.read(watched)).await;
        let position = read.ok().and_then(|read| read.ok()?.wal_position);
        self.conversation().has_read(clock.now(), position);
    }

    /// Cancels the statement under way.
    async fn cancel(&self) {
        let Some(key) = self.conversation().key_of_running() else {
            return;
        };
        let _ = cancel(&self.shared.server, &cancel_request(&key)).await;
    }

    fn conversation(&self) -> MutexGuard<'_, Conversation> {
        self.conversation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The packet that asks to cancel what the backend with this process id and secret does.
fn cancel_request(key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + key.len()).unwrap_or(u32::MAX);
    [
        &length.to_be_bytes()[..],
        &super::opening::CANCEL.to_be_bytes(),
        key,
    ]
    .concat()
}
