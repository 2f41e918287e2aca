//! One connection of the load: one query at a time, sent in one write and mostly answered in one read.
//!
//! It speaks the protocol itself, because what sends and waits is the stop watch. tokio-postgres opens a connection
//! and authenticates, and then its socket is taken over.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;

use anyhow::Result;
use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{self, Header};
use postgres_protocol::message::frontend::{self, BindError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{Oid, ToSql, Type};
use tokio_postgres::{Config, NoTls};

use crate::postgres::SqlState;
use crate::provision;

/// What fits is read at once; a longer message makes the buffer grow.
const READ_BYTES: usize = 8 * 1024;

/// A message's tag and length.
const HEADER_BYTES: usize = 5;

/// Parameters and results travel in the server's binary form.
const BINARY: i16 = 1;

pub(super) struct Connection {
    socket: Box<dyn Socket>,
    out: BytesMut,
    inbox: Inbox,
}

/// A connection to a server, however it is reached.
pub(in crate::rehearse) trait Socket:
    AsyncRead + AsyncWrite + Send + Unpin
{
}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// Why a query did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) sqlstate: SqlState,
    /// The connection is gone with it.
    pub(super) is_broken: bool,
}

impl Failure {
    /// The query was never sent: the connection is as it was.
    fn unsendable() -> Failure {
        Failure {
            sqlstate: SqlState::PROTOCOL_VIOLATION,
            is_broken: false,
        }
    }

    fn broken(last_words: Option<SqlState>) -> Failure {
        Failure {
            sqlstate: last_words.unwrap_or(SqlState::CONNECTION_FAILURE),
            is_broken: true,
        }
    }
}

impl Connection {
    /// Connects to the first server of `config` that takes us.
    pub(super) async fn open(config: &Config) -> Result<Connection> {
        let mut refusal = anyhow::anyhow!("no server is named");
        for address in addresses(config) {
            match address.connect(config).await {
                Ok(socket) => {
                    return Ok(Connection {
                        socket,
                        out: BytesMut::new(),
                        inbox: Inbox::default(),
                    });
                }
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Prepares `sql` under this name, in place of what had it, and hands back the types of its parameters.
    pub(super) async fn prepare(&mut self, name: &str, sql: &str) -> Result<Vec<Oid>, Failure> {
        let written = frontend::close(b'S', name, &mut self.out)
            .and_then(|()| frontend::parse(name, sql, [], &mut self.out))
            .and_then(|()| frontend::describe(b'S', name, &mut self.out));
        self.send_if(written.is_ok()).await?;
        let mut types = Vec::new();
        self.answer(|message| {
            if message[0] == backend::PARAMETER_DESCRIPTION_TAG {
                types = parameter_types(message);
            }
        })
        .await?;
        Ok(types)
    }

    /// Runs a prepared statement and reads its result to the end.
    pub(super) async fn execute<V: ToSql>(
        &mut self,
        name: &str,
        types: &[Type],
        values: impl Iterator<Item = V>,
    ) -> Result<(), Failure> {
        let serialize = |(ty, value): (&Type, V), out: &mut BytesMut| {
            value.to_sql(ty, out).map(|is_null| match is_null {
                tokio_postgres::types::IsNull::Yes => IsNull::Yes,
                tokio_postgres::types::IsNull::No => IsNull::No,
            })
        };
        let values = types.iter().zip(values);
        let out = &mut self.out;
        let written = frontend::bind("", name, [BINARY], values, serialize, [BINARY], out)
            .and_then(|()| frontend::execute("", 0, out).map_err(BindError::Serialization));
        self.send_if(written.is_ok()).await?;
        self.answer(|_| {}).await
    }

    /// Runs a text by the simple protocol and reads its result to the end.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Failure> {
        if frontend::query(sql, &mut self.out).is_err() {
            self.out.clear();
            return Err(Failure::unsendable());
        }
        self.send().await;
        self.answer(|_| {}).await
    }

    /// Sends what was written with a Sync after it, or forgets it.
    async fn send_if(&mut self, is_written: bool) -> Result<(), Failure> {
        if !is_written {
            self.out.clear();
            return Err(Failure::unsendable());
        }
        frontend::sync(&mut self.out);
        self.send().await;
        Ok(())
    }

    /// A server that is gone may have said why: what comes of it is for `answer` to find.
    async fn send(&mut self) {
        let mut sent = 0;
        while sent < self.out.len() {
            let rest = &self.out[sent..];
            let write = std::future::poll_fn(|cx| Pin::new(&mut self.socket).poll_write(cx, rest));
            match write.await {
                Ok(bytes) if bytes > 0 => sent += bytes,
                _ => break,
            }
        }
        self.out.clear();
    }

    /// Reads until the server is ready for the next query, showing each message of it to `look`.
    async fn answer(&mut self, mut look: impl FnMut(&[u8])) -> Result<(), Failure> {
        let mut error = None;
        loop {
            while let Some(message) = self.inbox.next().map_err(|_| Failure::broken(error))? {
                match message[0] {
                    backend::ERROR_RESPONSE_TAG => error = sqlstate(message).or(error),
                    backend::READY_FOR_QUERY_TAG => {
                        let failed = |sqlstate| Failure {
                            sqlstate,
                            is_broken: false,
                        };
                        return error.map_or(Ok(()), |state| Err(failed(state)));
                    }
                    // It would wait for rows that nobody has.
                    backend::COPY_IN_RESPONSE_TAG => {
                        return Err(Failure::broken(Some(SqlState::PROTOCOL_VIOLATION)));
                    }
                    _ => look(message),
                }
            }
            match self.inbox.fill(&mut self.socket).await {
                Ok(bytes) if bytes > 0 => {}
                _ => return Err(Failure::broken(error)),
            }
        }
    }
}

/// Asks for a type by its number, which a connection of tokio-postgres knows how to. Seldom needed.
pub(super) async fn ask_type(config: &Config, oid: Oid) -> Result<Type, Failure> {
    let ask = async {
        let client = provision::connect(config).await?;
        let row = client
            .query_one("SELECT format_type($1, -1)", &[&oid])
            .await?;
        let name: String = row.get(0);
        let statement = client.prepare(&format!("SELECT $1::{name}")).await?;
        Ok::<_, tokio_postgres::Error>(statement.params().first().cloned())
    };
    ask.await.ok().flatten().ok_or_else(Failure::unsendable)
}

/// Bytes that have come, up to `end`, and of those the ones from `start` on that nobody has looked at.
#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    /// The next message, whole, if it has come.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(header) = Header::parse(&self.bytes[self.start..self.end])? else {
            return Ok(None);
        };
        let message = self.start..self.start + 1 + header.len().unsigned_abs() as usize;
        if message.end > self.end {
            return Ok(None);
        }
        self.start = message.end;
        Ok(Some(&self.bytes[message]))
    }

    /// Reads what there is, once.
    async fn fill(&mut self, socket: &mut Box<dyn Socket>) -> io::Result<usize> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.bytes.len() < self.end + READ_BYTES {
            self.bytes.resize(self.end + READ_BYTES, 0);
        }
        let mut buffer = ReadBuf::new(&mut self.bytes[self.end..]);
        std::future::poll_fn(|cx| Pin::new(&mut *socket).poll_read(cx, &mut buffer)).await?;
        let bytes = buffer.filled().len();
        self.end += bytes;
        Ok(bytes)
    }
}

/// The code in an ErrorResponse: after tag and length come fields, each a letter and a text that ends with 0.
fn sqlstate(message: &[u8]) -> Option<SqlState> {
    let mut fields = message[HEADER_BYTES..].split(|byte| *byte == 0);
    let code = fields.find_map(|field| field.strip_prefix(b"C"))?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

/// The types in a ParameterDescription: after tag and length comes their number in two bytes, then four for each.
fn parameter_types(message: &[u8]) -> Vec<Oid> {
    let types = message[HEADER_BYTES + 2..].as_chunks::<4>().0;
    types.iter().map(|oid| Oid::from_be_bytes(*oid)).collect()
}

/// Where a server may listen.
enum Address {
    Tcp {
        /// A name or an IP address.
        to: String,
        /// What a certificate has to be for.
        name: String,
        port: u16,
    },
    Unix(PathBuf),
}

fn addresses(config: &Config) -> Vec<Address> {
    let (hosts, numeric) = (config.get_hosts(), config.get_hostaddrs());
    let ports = config.get_ports();
    let address = |index: usize| {
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let ip = numeric.get(index).map(IpAddr::to_string);
        match (hosts.get(index), ip) {
            (Some(Host::Unix(dir)), _) => Address::Unix(dir.join(format!(".s.PGSQL.{port}"))),
            (Some(Host::Tcp(name)), ip) => Address::Tcp {
                to: ip.unwrap_or_else(|| name.clone()),
                name: name.clone(),
                port,
            },
            (None, ip) => Address::Tcp {
                to: ip.clone().unwrap_or_default(),
                name: ip.unwrap_or_default(),
                port,
            },
        }
    };
    (0..hosts.len().max(numeric.len())).map(address).collect()
}

/// Reaches the first server of `config` that answers, encrypted if that is wanted. Nothing has been said to it yet.
pub(in crate::rehearse) async fn reach(config: &Config) -> Result<Box<dyn Socket>> {
    let mut refusal = anyhow::anyhow!("no server is named");
    for address in addresses(config) {
        match address.reach(config).await {
            Ok(socket) => return Ok(socket),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

impl Address {
    async fn reach(&self, config: &Config) -> Result<Box<dyn Socket>> {
        Ok(match self {
            Address::Tcp { to, name, port } => {
                let stream = TcpStream::connect((to.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                match config.get_ssl_mode() {
                    SslMode::Disable => Box::new(stream),
                    mode => encrypt(stream, name, mode, config).await?,
                }
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }

    async fn connect(&self, config: &Config) -> Result<Box<dyn Socket>> {
        let mut socket = self.reach(config).await?;
        // Encrypted or not has been settled. It reads up to where the server is ready, and sends nothing when it
        // is dropped.
        let mut config = config.clone();
        config.ssl_mode(SslMode::Disable);
        drop(config.connect_raw(&mut socket, NoTls).await?);
        Ok(socket)
    }
}

/// Asks the server for TLS, and goes on without only if that will do.
async fn encrypt(
    mut stream: TcpStream,
    name: &str,
    mode: SslMode,
    config: &Config,
) -> Result<Box<dyn Socket>> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    if stream.read_u8().await? != b'S' {
        anyhow::ensure!(mode == SslMode::Prefer, "the server does not speak TLS");
        return Ok(Box::new(stream));
    }
    let mut tls = provision::tls(config);
    let connector = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, name)?;
    let encrypted = TlsConnect::<TcpStream>::connect(connector, stream).await;
    Ok(Box::new(encrypted.map_err(|error| anyhow::anyhow!(error))?))
}
