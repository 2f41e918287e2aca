//! Runs a program that migrates by itself, with a database to connect to in its environment, and keeps what it prints.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command as Process};
use tokio::task::JoinSet;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::clock::Clock;
use super::migrate::Progress;
use super::observe::activity::Reader;
use super::observe::watched::Watched;
use super::proxy::{Proxy, Trace};
use super::recording::CommandRecord;
use super::workload::Command;
use crate::provision::{Role, Server};

/// Of what a command prints the last so many bytes are kept.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// How long what a command has left running may go on printing.
const BACKGROUND_LIMIT: Duration = Duration::from_millis(500);

/// A proxy on the way to the server for a command of this step.
pub async fn proxy(
    server: &Server,
    watched: Watched,
    step: usize,
    clock: Clock,
) -> Result<(Proxy, Progress)> {
    let admin = server.connect(Role::Admin).await?;
    let progress = Progress::default();
    let trace = Trace {
        clock,
        watched,
        reader: Arc::new(Reader::new(admin, server.version(), clock).await?),
        step,
        progress: Arc::clone(&progress),
    };
    let proxy = Proxy::start(server.config(Role::Migration), trace).await;
    Ok((
        proxy.context("cannot listen for the command's connections")?,
        progress,
    ))
}

/// Runs it for what it does to the schema, without traffic and without a record.
pub async fn run(command: &Command, server: &Server) -> Result<()> {
    let (proxy, _) = proxy(server, Watched::default(), 0, Clock::start()).await?;
    let mut running = Running::start(command, &proxy.config())?;
    running.wait(command).await?;
    proxy.stop().await;
    running.record().await;
    Ok(())
}

/// A program that runs, and those that it has started. They are ended when it is dropped.
pub struct Running {
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    readers: JoinSet<()>,
    /// What must not be kept of what it prints.
    password: String,
    /// The process group; the first process may be gone before the others.
    group: Option<Pid>,
}

/// How it ended.
pub enum Ended {
    Exited(ExitStatus),
    /// Its time was over, and it was ended.
    TimeOver,
}

impl Running {
    /// Starts it in a shell of its own process group. Any `DATABASE_URL` of ours and whatever libpq reads are replaced.
    pub fn start(command: &Command, database: &Config) -> Result<Running> {
        let mut process = Process::new("sh");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_libpqs) {
                process.env_remove(name);
            }
        }
        let address = Address::of(database)?;
        let mut child = process
            .arg("-c")
            .arg(&command.line)
            .current_dir(&command.dir)
            .env("DATABASE_URL", address.url())
            .env("PGHOST", &address.host)
            .env("PGPORT", address.port.to_string())
            .env("PGUSER", &address.user)
            .env("PGPASSWORD", &address.password)
            .env("PGDATABASE", &address.database)
            .env("PGSSLMODE", "disable")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run `{}`", command.line))?;
        let group = child.id().and_then(|id| Pid::from_raw(id as i32));
        let output = Arc::new(Mutex::new(Vec::new()));
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(keep(stdout, Arc::clone(&output)));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(keep(stderr, Arc::clone(&output)));
        }
        Ok(Running {
            child,
            output,
            readers,
            password: address.password,
            group,
        })
    }

    /// Waits until it has ended, or ends it when its time is over.
    pub async fn wait(&mut self, command: &Command) -> Result<Ended> {
        match tokio::time::timeout(command.limit, self.child.wait()).await {
            Ok(status) => Ok(Ended::Exited(
                status.context("cannot wait for the command")?,
            )),
            Err(_) => {
                self.end();
                self.child
                    .wait()
                    .await
                    .context("cannot wait for the command")?;
                Ok(Ended::TimeOver)
            }
        }
    }

    /// What it came to, after it has ended. What it has left running in the background is ended with it.
    pub async fn record(mut self) -> CommandRecord {
        // With the last process of the group their ends of the pipes are closed.
        let all_gone = async { while self.readers.join_next().await.is_some() {} };
        if tokio::time::timeout(BACKGROUND_LIMIT, all_gone)
            .await
            .is_err()
        {
            self.end();
            while self.readers.join_next().await.is_some() {}
        }
        let exit_code = self
            .child
            .try_wait()
            .ok()
            .flatten()
            .and_then(|status| status.code());
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = String::from_utf8_lossy(&output);
        CommandRecord {
            exit_code,
            output: printed
                .replace(&self.password, "***")
                .replace(&encoded(&self.password), "***"),
            refused: Vec::new(),
        }
    }

    /// Ends the whole group.
    pub fn end(&self) {
        let Some(pid) = self.group else { return };
        // It may be gone already.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The number of a process that was waited for may be another's.
        if self.child.id().is_some() {
            self.end();
        }
    }
}

impl Ended {
    /// Why it is no success, if it is none.
    pub fn failure(&self, command: &Command) -> Option<String> {
        match self {
            Ended::Exited(status) if status.success() => None,
            Ended::Exited(status) => Some(match (status.code(), status.signal()) {
                (Some(127), _) => "the command was not found (exit code 127)".to_owned(),
                (Some(code), _) => format!("the command exited with {code}"),
                (None, Some(signal)) => format!("signal {signal} ended the command"),
                (None, None) => "the command did not succeed".to_owned(),
            }),
            Ended::TimeOver => {
                let seconds = command.limit.as_secs_f64();
                Some(format!(
                    "the command did not end within {seconds} s, and was killed"
                ))
            }
        }
    }
}

/// Whether libpq reads the variable, as it does `PGHOST`. Another program's has a name such as `PGREHEARSE_URL`.
fn is_libpqs(name: &str) -> bool {
    name == "PGCONNECT_TIMEOUT" || name.starts_with("PG") && !name.contains('_')
}

/// What a program is told of a database.
struct Address {
    host: String,
    port: u16,
    user: String,
    password: String,
    database: String,
}

impl Address {
    fn of(config: &Config) -> Result<Address> {
        let Some(Host::Tcp(host)) = config.get_hosts().first() else {
            anyhow::bail!("a command is given a server on the network")
        };
        let password = config.get_password().unwrap_or_default();
        Ok(Address {
            host: host.clone(),
            port: config.get_ports().first().copied().unwrap_or(5432),
            user: config.get_user().unwrap_or_default().to_owned(),
            password: String::from_utf8_lossy(password).into_owned(),
            database: config.get_dbname().unwrap_or_default().to_owned(),
        })
    }

    fn url(&self) -> String {
        let Address {
            host,
            port,
            user,
            password,
            database,
        } = self;
        let [user, password, database] = [user, password, database].map(|part| encoded(part));
        format!("postgres://{user}:{password}@{host}:{port}/{database}?sslmode=disable")
    }
}

/// A part of a URL: all but the letters that mean nothing in one is written by its bytes.
fn encoded(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    part.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// Keeps the end of what comes.
async fn keep(mut from: impl AsyncRead + Unpin, output: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        output.extend_from_slice(&buffer[..read]);
        let over = output.len().saturating_sub(OUTPUT_BYTES_MAX);
        output.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Config {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(1)
            .user("o'neil")
            .password("a:/b")
            .dbname("db");
        config
    }

    async fn run(line: &str, limit: Duration) -> (Option<String>, CommandRecord) {
        let command = Command {
            line: line.to_owned(),
            dir: std::env::temp_dir(),
            limit,
        };
        let mut running = Running::start(&command, &database()).unwrap();
        let ended = running.wait(&command).await.unwrap();
        (ended.failure(&command), running.record().await)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn it_finds_the_database_and_its_password_is_not_kept() {
        let (failure, record) = run("echo $DATABASE_URL; echo $PGPASSWORD >&2", LONG).await;
        assert_eq!(failure, None);
        assert_eq!(record.exit_code, Some(0));
        let url = "postgres://o%27neil:***@127.0.0.1:1/db?sslmode=disable\n";
        assert!(record.output.contains(url), "{}", record.output);
        assert!(record.output.contains("\n***\n") || record.output.starts_with("***\n"));
    }

    #[tokio::test]
    async fn a_command_that_fails_is_not_there_or_hangs_says_so() {
        let (failure, record) = run("echo half; exit 3", LONG).await;
        assert_eq!(failure.unwrap(), "the command exited with 3");
        assert_eq!((record.exit_code, &*record.output), (Some(3), "half\n"));
        let (failure, _) = run("no-such-program-anywhere", LONG).await;
        assert!(failure.unwrap().contains("was not found"));
        // What it has started in the background would hold the pipe open for as long.
        let (failure, record) = run("sleep 3600 & sleep 3600", Duration::from_millis(50)).await;
        assert!(failure.unwrap().contains("did not end within 0.05 s"));
        assert_eq!(record.exit_code, None);
    }

    #[test]
    fn of_the_environment_only_what_libpq_reads_is_kept_from_it() {
        let names = [
            "PGHOST",
            "PGSSLROOTCERT",
            "PGCONNECT_TIMEOUT",
            "PGREHEARSE_TOOLS",
            "PATH",
        ];
        assert_eq!(names.map(is_libpqs), [true, true, true, false, false]);
    }

    #[tokio::test]
    async fn of_much_output_the_end_is_kept() {
        let (_, record) = run("seq 1 100000", LONG).await;
        assert!(record.output.len() <= OUTPUT_BYTES_MAX);
        assert!(record.output.ends_with("99999\n100000\n"));
    }
}
