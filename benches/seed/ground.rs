//! What the bench stands on: a server of this machine as it is while templates are filled, and what work cost on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use pgrehearse::provision::{Host, Role, Server};
use pgrehearse::rehearse::clock::Clock;
use tokio_postgres::config::Host as Address;
use tokio_postgres::{Client, Config};

use crate::local;

/// A running server; it goes with the value, within a multi-threaded runtime.
pub(crate) struct Ground {
    pub(crate) client: Client,
    pub(crate) config: Config,
    postmaster: u32,
    _server: Server,
    _host: Host,
    pub(crate) dir: tempfile::TempDir,
}

/// What a piece of work took.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall_s: f64,
    /// User and system time of this process and of programs it ran.
    pub(crate) client_cpu_s: f64,
    /// The same of the server and all its processes.
    pub(crate) server_cpu_s: f64,
}

impl Cost {
    pub(crate) fn cpu_s(&self) -> f64 {
        self.client_cpu_s + self.server_cpu_s
    }
}

impl Ground {
    pub(crate) async fn open() -> Result<Ground> {
        let (host, dir) = local::open().await?;
        let server = host.start_empty("bench").await?;
        let client = server.connect(Role::Migration).await?;
        let pid: i32 = client
            .query_one("SELECT pg_backend_pid()", &[])
            .await?
            .get(0);
        Ok(Ground {
            client,
            config: server.config(Role::Migration),
            postmaster: stat(pid.unsigned_abs())?.parent,
            _server: server,
            _host: host,
            dir,
        })
    }

    /// What the work takes. Its connections must have ended with it: a server counts a process when it is gone.
    pub(crate) async fn measure(&self, work: impl AsyncFnOnce() -> Result<()>) -> Result<Cost> {
        let before = self.cpu()?;
        let clock = Clock::start();
        let start = clock.now();
        work().await?;
        let wall_s = clock.now().since(start).as_secs_f64();
        self.wait_for_backends().await?;
        let after = self.cpu()?;
        Ok(Cost {
            wall_s,
            client_cpu_s: after.0 - before.0,
            server_cpu_s: after.1 - before.1,
        })
    }

    async fn wait_for_backends(&self) -> Result<()> {
        let others = "SELECT count(*) FROM pg_stat_activity
                      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while self.client.query_one(others, &[]).await?.get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Seconds so far, of this process and its programs, and of the server.
    fn cpu(&self) -> Result<(f64, f64)> {
        let server = stat(self.postmaster)?;
        let living: u64 = std::fs::read_dir("/proc")?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| stat(pid).ok())
            .filter(|process| process.parent == self.postmaster)
            .map(|process| process.ticks)
            .sum();
        let children = stat(std::process::id())?.children_ticks;
        let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let own = own.tv_sec as f64 + own.tv_nsec as f64 / 1e9;
        let seconds = |ticks: u64| ticks as f64 / 100.0;
        Ok((
            own + seconds(children),
            seconds(server.ticks + server.children_ticks + living),
        ))
    }

    /// Runs these programs at once: each with its arguments, and the file it reads.
    pub(crate) fn programs(&self, programs: &[(&Path, Vec<String>)]) -> Result<()> {
        let [Address::Unix(socket)] = self.config.get_hosts() else {
            bail!("a server of this machine listens on one socket")
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let started = programs.iter().map(|(program, arguments)| {
            Command::new(program)
                .args(arguments)
                .env("PGHOST", socket)
                .env("PGPORT", port.to_string())
                .env("PGUSER", self.config.get_user().unwrap_or_default())
                .env("PGDATABASE", self.config.get_dbname().unwrap_or_default())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .with_context(|| format!("cannot run {}", program.display()))
        });
        let started = started.collect::<Result<Vec<_>>>()?;
        for mut child in started {
            if !child.wait()?.success() {
                bail!("a program failed");
            }
        }
        Ok(())
    }
}

struct Process {
    parent: u32,
    ticks: u64,
    /// Of the children that are gone.
    children_ticks: u64,
}

/// Source: `proc_pid_stat(5)`; a tick is 10 ms.
fn stat(pid: u32) -> Result<Process> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = text.rsplit_once(')').context("no process name")?;
    let fields: Vec<u64> = after_name
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    Ok(Process {
        parent: fields[1] as u32,
        ticks: fields[11] + fields[12],
        children_ticks: fields[13] + fields[14],
    })
}

/// The program itself, beside the server's. What Debian has on PATH is a script, whose time would count.
pub(crate) fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let paths = versions
        .flatten()
        .map(|version| version.path().join("bin").join(name));
    paths
        .filter(|path| path.is_file())
        .max()
        .unwrap_or_else(|| name.into())
}

/// The middle one; of an even number, the upper of the two.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A number from the environment.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|set| set.parse().ok()).unwrap_or(default)
}
