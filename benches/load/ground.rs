//! What the benches stand on: a server of this machine with pgbench's tables, and rounds of load on it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use pgrehearse::provision::{Host, Manifest, Role, Server, Settings};
use pgrehearse::rehearse::clock::Clock;
use pgrehearse::rehearse::journal::Journal;
use pgrehearse::rehearse::load::params::QueryParams;
use pgrehearse::rehearse::load::{self, Arrivals, Driver, Traffic};
use pgrehearse::rehearse::recording::{LoadRecord, Phase};
use pgrehearse::rehearse::workload::{App, ColumnParam, Load, Param, Protocol, Query, QueryKind};
use pgrehearse::seed::context::Context;
use tokio_postgres::config::Host as Address;

use crate::local;

/// What `pgbench --select-only` asks.
const SELECT: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = $1";

/// Traffic before each round of ours that is not counted.
const WARMUP: Duration = Duration::from_millis(300);

/// A running server; it goes with the value, within a multi-threaded runtime.
pub(crate) struct Ground {
    pub(crate) server: Server,
    pgbench: PathBuf,
    _host: Host,
    _cache: tempfile::TempDir,
}

/// What one round gave.
pub(crate) struct Round {
    pub(crate) queries_per_s: f64,
    pub(crate) client_cpu_us_per_query: f64,
    /// What the load said of itself; `None` of pgbench's.
    pub(crate) load: Option<LoadRecord>,
}

impl Ground {
    /// Starts a server with these settings and has `pgbench -i` fill it.
    pub(crate) async fn open(settings: &Settings) -> Result<Ground> {
        let (host, cache) = local::open().await?;
        let empty = host.start_empty("bench").await?;
        let pgbench = find_pgbench();
        command(&pgbench, &empty, Role::Migration, &["-i", "-q", "-s", "5"])?;
        let manifest = Manifest {
            dataset: "pgbench".to_owned(),
            rows: BTreeMap::new(),
            bytes: 0,
            seeded_in_ms: 0,
            postgres_version: empty.version(),
            tables: serde_json::Value::Null,
        };
        let template = host.seal(empty, manifest).await?;
        let server = host.start_clone(&template, settings).await?;
        Ok(Ground {
            server,
            pgbench,
            _host: host,
            _cache: cache,
        })
    }

    /// One round of `pgbench -S -M prepared -j 1`.
    pub(crate) fn pgbench(&self, clients: usize, time: Duration) -> Result<Round> {
        let (clients, seconds) = (clients.to_string(), time.as_secs().to_string());
        let arguments = [
            "-n", "-S", "-M", "prepared", "-j", "1", "-c", &clients, "-T", &seconds,
        ];
        let before = children_cpu()?;
        let said = command(&self.pgbench, &self.server, Role::Load, &arguments)?;
        let cpu = children_cpu()? - before;
        let number = |before: &str| -> Option<f64> {
            let rest = &said[said.find(before)? + before.len()..];
            rest.split_whitespace().next()?.parse().ok()
        };
        let queries = number("transactions actually processed:").context("pgbench's count")?;
        Ok(Round {
            queries_per_s: number("tps =").context("pgbench's rate")?,
            client_cpu_us_per_query: cpu.as_secs_f64() * 1e6 / queries,
            load: None,
        })
    }

    /// Our driver at work, with the same query.
    ///
    /// Arrivals at this rate, or `None` for a closed loop.
    pub(crate) async fn start(
        &self,
        connections: usize,
        arrivals_per_s: Option<f64>,
    ) -> Result<(Driver, Journal)> {
        let admin = self.server.connect(Role::Admin).await?;
        let app = app();
        let context = Context {
            tables: &BTreeMap::new(),
            rows: BTreeMap::new(),
            seed: 1,
            is_snapshot: false,
        };
        let protocol = Protocol::Prepared;
        let params = QueryParams::of_app(&admin, &app, &context, protocol).await?;
        let load = Load {
            arrivals_per_s: arrivals_per_s.unwrap_or(1.0),
            connections,
            protocol,
            warmup: Duration::ZERO,
            baseline: Duration::ZERO,
            recovery: Duration::ZERO,
            recovery_limit: Duration::ZERO,
            seed: 1,
        };
        let arrivals = match arrivals_per_s {
            Some(_) => Arrivals::Open,
            None => Arrivals::Closed,
        };
        let traffic = Traffic {
            load,
            arrivals,
            apps: vec![app],
        };
        let journal = Journal::new(Clock::start());
        let driver = load::start(
            self.server.config(Role::Load),
            traffic,
            params,
            journal.clone(),
        )
        .await?;
        Ok((driver, journal))
    }

    /// One round of our driver.
    pub(crate) async fn drive(
        &self,
        connections: usize,
        arrivals_per_s: Option<f64>,
        time: Duration,
    ) -> Result<Round> {
        let (driver, journal) = self.start(connections, arrivals_per_s).await?;
        tokio::time::sleep(WARMUP).await;
        let (begin, cpu) = (journal.begin(Phase::Baseline), own_cpu());
        tokio::time::sleep(time).await;
        let end = journal.clock.now();
        let counted = driver.stop().await;
        let cpu = own_cpu() - cpu;
        let [total] = &counted.totals[..] else {
            bail!("one kind of query: {:?}", counted.totals)
        };
        if !total.counts.errors.is_empty() {
            bail!("queries failed: {:?}", total.counts.errors);
        }
        let queries = total.counts.count as f64;
        Ok(Round {
            queries_per_s: queries / end.since(begin).as_secs_f64(),
            client_cpu_us_per_query: cpu.as_secs_f64() * 1e6 / queries,
            load: counted.load.into_iter().next(),
        })
    }
}

/// An application that asks what pgbench asks.
fn app() -> App {
    let param = ColumnParam {
        column: "pgbench_accounts.aid".to_owned(),
        skew: 0.0,
    };
    let query = Query {
        name: "select".to_owned(),
        kind: QueryKind::Read,
        weight: 1.0,
        sql: SELECT.to_owned(),
        params: vec![Param::Column(param)],
    };
    App {
        name: "bench".to_owned(),
        owner: None,
        queries: vec![query],
    }
}

impl Round {
    /// How long after its time a query was sent, in ms, of this share of those that found a connection free.
    pub(crate) fn lag_ms(&self, quantile: f64) -> f64 {
        let lags = self.load.iter().flat_map(|load| &load.lag_us);
        let total: u64 = lags.clone().map(|(_, n)| n).sum();
        let mut seen = 0;
        let mut reached = lags.skip_while(|(_, n)| {
            seen += n;
            (seen as f64) < total as f64 * quantile
        });
        reached.next().map_or(f64::NAN, |(us, _)| *us as f64 / 1e3)
    }
}

/// The middle one; of an even number, the upper of the two.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `$PGBENCH`, or beside the server's own programs. What Debian has on PATH is a script, whose time would count.
fn find_pgbench() -> PathBuf {
    let named = std::env::var_os("PGBENCH").map(PathBuf::from);
    let beside = || {
        let told = Command::new("pg_config").arg("--bindir").output().ok()?;
        let dir = String::from_utf8(told.stdout).ok()?;
        Some(PathBuf::from(dir.trim()).join("pgbench")).filter(|path| path.is_file())
    };
    let usual = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let paths = versions
            .flatten()
            .map(|version| version.path().join("bin/pgbench"));
        paths.filter(|path| path.is_file()).max()
    };
    named
        .or_else(beside)
        .or_else(usual)
        .unwrap_or_else(|| "pgbench".into())
}

fn command(pgbench: &PathBuf, server: &Server, role: Role, arguments: &[&str]) -> Result<String> {
    let config = server.config(role);
    let [Address::Unix(dir)] = config.get_hosts() else {
        bail!("a server of this machine listens on one socket")
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let ran = Command::new(pgbench)
        .args(arguments)
        .env("PGHOST", dir)
        .env("PGPORT", port.to_string())
        .env("PGUSER", config.get_user().unwrap_or_default())
        .env("PGDATABASE", config.get_dbname().unwrap_or_default())
        .output()
        .with_context(|| format!("{}: name another with $PGBENCH", pgbench.display()))?;
    if !ran.status.success() {
        bail!("{}", String::from_utf8_lossy(&ran.stderr));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// User and system time of this process, all threads.
fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// User and system time of the processes that this one has waited for, to 10 ms. Source: `proc_pid_stat(5)`.
fn children_cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').context("no process name")?;
    let ticks = after_name.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// A number from the environment.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|set| set.parse().ok()).unwrap_or(default)
}
