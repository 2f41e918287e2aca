//! How a server is reached: the roles of a rehearsal, and waiting until connections work.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config};

use super::Role;
use super::error::Error;
use super::tls::tls;
use crate::postgres::Version;
use crate::postgres::failure::in_words;
use crate::talk::Talk;

/// The database that a dataset is put into, on servers of our own.
const DATABASE: &str = "app";
const ADMIN: &str = "postgres";
const MIGRATE: &str = "pgrehearse_migrate";
const LOAD: &str = "pgrehearse_load";

const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(25);

/// Where a server listens and as whom to come.
#[derive(Clone, Debug)]
pub(super) struct Access {
    config: Config,
    /// Whether the roles are the ones that [`create_roles`] makes.
    own_roles: bool,
}

impl Access {
    /// A server of ours behind a private socket that trusts whoever can open it.
    pub(super) fn socket(dir: &Path, port: u16) -> Access {
        let mut config = Config::new();
        config
            .host_path(dir)
            .port(port)
            .ssl_mode(SslMode::Disable)
            .dbname(DATABASE);
        Access {
            config,
            own_roles: true,
        }
    }

    /// A server of ours behind a TCP port. All of its roles have one password.
    pub(super) fn tcp(host: &str, port: u16, password: &str) -> Access {
        let mut config = Config::new();
        config
            .host(host)
            .port(port)
            .password(password)
            .ssl_mode(SslMode::Disable)
            .dbname(DATABASE);
        Access {
            config,
            own_roles: true,
        }
    }

    /// A database of a server that somebody else runs, as the user who was named.
    pub(super) fn named(config: &Config, database: Option<&str>) -> Access {
        let mut config = config.clone();
        if let Some(database) = database {
            config.dbname(database);
        }
        Access {
            config,
            own_roles: false,
        }
    }

    pub(super) fn config(&self, role: Role) -> Config {
        let user = match role {
            Role::Admin => ADMIN,
            Role::Migration => MIGRATE,
            Role::Load => LOAD,
        };
        let mut config = self.config.clone();
        if self.own_roles {
            config.user(user);
        }
        config.application_name(role.application_name());
        config
    }

    /// As the superuser, to the database that every server has.
    pub(super) fn maintenance(&self) -> Config {
        let mut config = self.config(Role::Admin);
        config.dbname("postgres");
        config
    }
}

/// Opens a connection and runs it on the current runtime until its client is dropped.
pub async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(tls(config)).await?;
    // Whatever ends the connection is what the client's next call returns.
    tokio::spawn(connection);
    Ok(client)
}

/// What came of waiting for a server.
pub(super) enum Readiness {
    Ready(Client),
    /// The server is up and knows another password.
    WrongPassword,
}

/// Waits until a query is answered. `died` says why that can no longer come true.
pub(super) async fn wait_until_ready(
    config: &Config,
    limit: Duration,
    mut died: impl AsyncFnMut() -> Option<String>,
) -> Result<Readiness, Error> {
    let deadline = Instant::now() + limit;
    loop {
        let waiting_for = match timeout(ATTEMPT_LIMIT, answer(config)).await {
            Ok(Ok(client)) => return Ok(Readiness::Ready(client)),
            Ok(Err(e)) if e.code() == Some(&SqlState::INVALID_PASSWORD) => {
                return Ok(Readiness::WrongPassword);
            }
            Ok(Err(e)) => in_words(&e),
            Err(_) => "no answer".to_owned(),
        };
        if let Some(detail) = died().await {
            return Err(Error::Start { detail });
        }
        if Instant::now() > deadline {
            let detail = format!("not ready after {} s: {waiting_for}", limit.as_secs());
            return Err(Error::Start { detail });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn answer(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let client = connect(config).await?;
    client.simple_query("SELECT 1").await?;
    Ok(client)
}

/// The version of the server, refused if it is too old.
pub(super) async fn supported_version(client: &Client) -> Result<Version, Error> {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int4", &[])
        .await
        .map_err(|e| Error::sql("read the server's version", &e))?;
    let version = Version(u32::try_from(row.get::<_, i32>(0)).unwrap_or(0));
    if version.is_supported() {
        Ok(version)
    } else {
        Err(Error::TooOld(version))
    }
}

/// Makes the roles of a rehearsal and the database that the migration's role owns.
///
/// The load's role inherits the rights of the migration's, but not that it is a superuser.
pub(super) async fn create_roles(admin: &Client) -> Result<(), Error> {
    let failed = |e| Error::sql("create the roles of a rehearsal", &e);
    admin
        .batch_execute(&format!(
            "CREATE ROLE {MIGRATE} LOGIN SUPERUSER; CREATE ROLE {LOAD} LOGIN IN ROLE {MIGRATE}"
        ))
        .await
        .map_err(failed)?;
    // CREATE DATABASE can share its message with no other statement.
    admin
        .batch_execute(&format!("CREATE DATABASE {DATABASE} OWNER {MIGRATE}"))
        .await
        .map_err(failed)
}

/// Gives all roles this password.
pub(super) async fn set_passwords(admin: &Client, password: &str) -> Result<(), Error> {
    for sql in passwords(password) {
        admin
            .batch_execute(&sql)
            .await
            .map_err(|e| Error::sql("set the passwords of the roles", &e))?;
    }
    Ok(())
}

/// The statements that give all roles this password, which must need no quoting. Each is to be
/// sent on its own, so that those which keep passwords out of the server's log come before them.
pub(super) fn passwords(password: &str) -> Vec<String> {
    let quiet = [
        "SET log_statement = none",
        "SET log_min_duration_statement = -1",
        "SET log_min_error_statement = panic",
    ];
    let roles = [ADMIN, MIGRATE, LOAD];
    quiet
        .map(str::to_owned)
        .into_iter()
        .chain(roles.map(|role| format!("ALTER ROLE {role} PASSWORD '{password}'")))
        .collect()
}

/// The server would only say that it could not create any TCP/IP sockets.
pub(super) fn check_port(port: u16) -> Result<(), Error> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AddrInUse => Err(Error::PortInUse { port }),
        Err(source) => Err(Error::Io {
            doing: format!("cannot listen on port {port} of 127.0.0.1"),
            source,
        }),
    }
}

/// Writes the password of a server on `port` to a file that only we can read, and says where.
pub(super) fn write_pgpass(
    dir: &Path,
    port: u16,
    password: &str,
    talk: &Talk,
) -> Result<(), Error> {
    let path = dir.join("pgpass");
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| writeln!(file, "*:{port}:*:*:{password}"))
        .map_err(|e| Error::io("write", &path, e))?;
    talk.note(format!(
        "to look on: PGPASSFILE={} psql -h 127.0.0.1 -p {port} -U {ADMIN} {DATABASE}",
        path.display()
    ));
    Ok(())
}

/// 128 random bits in hexadecimal.
pub(super) fn random_password() -> String {
    format!("{:032x}", rand::random::<u128>())
}
