//! What the proxy costs a tool: `cargo bench --bench proxy`.
//!
//! pgbench asks its SELECT directly and through the proxy in turns, as fast as it can and at a rate that leaves the
//! machine room, and COPY writes a table out. What counts is the ratio within a pair of rounds, and the median of those.
//! A closed loop of queries that take 50 µs is the worst case: there each passes two sockets more, and client, proxy
//! and server share the cores. Set `ROUNDS` and `SECONDS` for more of them.

#![expect(clippy::print_stdout, reason = "a bench shows what it measured")]

#[path = "load/local.rs"]
mod local;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use pgrehearse::provision::{Role, Server};
use pgrehearse::rehearse::clock::{Clock, ms};
use pgrehearse::rehearse::migrate::Progress;
use pgrehearse::rehearse::observe::activity::Reader;
use pgrehearse::rehearse::observe::watched::Watched;
use pgrehearse::rehearse::proxy::{Proxy, Trace};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

#[tokio::main]
async fn main() -> Result<()> {
    let (rounds, seconds) = (number("ROUNDS", 7), number("SECONDS", 2).to_string());
    let (host, _cache) = local::open().await?;
    let server = host.start_empty("bench").await?;
    let direct = Side::new(&server.config(Role::Migration))?;
    direct.run("pgbench", &["-i", "-q", "-s", "10"]).await?;
    let proxy = start(&server).await?;
    let through = Side::new(&proxy.config())?;
    println!("                              direct    through   ratio");
    for (clients, rate) in [
        ("1", ""),
        ("4", ""),
        ("1", "--rate=1000"),
        ("4", "--rate=2000"),
    ] {
        let mut arguments = vec!["-n", "-S", "-c", clients, "-T", &seconds];
        arguments.extend((!rate.is_empty()).then_some(rate));
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            pairs.push((
                direct.pgbench(&arguments).await?,
                through.pgbench(&arguments).await?,
            ));
        }
        let name = format!("-S -c {clients} {rate}");
        show(&format!("{name} per s"), &pairs, |round| {
            round.queries_per_s
        });
        show(&format!("{name} ms"), &pairs, |round| round.latency_ms);
    }
    let clock = Clock::start();
    let mut pairs = Vec::new();
    for _ in 0..rounds {
        pairs.push((direct.copy(&clock).await?, through.copy(&clock).await?));
    }
    show("COPY of 1 M rows, ms", &pairs, |ms| *ms);
    proxy.stop().await;
    Ok(())
}

async fn start(server: &Server) -> Result<Proxy> {
    let clock = Clock::start();
    let reader = Reader::new(server.connect(Role::Admin).await?, server.version(), clock);
    let trace = Trace {
        clock,
        watched: Watched::default(),
        reader: Arc::new(reader.await?),
        step: 0,
        progress: Progress::default(),
    };
    Ok(Proxy::start(server.config(Role::Migration), trace).await?)
}

/// The programs of PostgreSQL with their way to the server.
struct Side {
    environment: Vec<(&'static str, String)>,
}

/// What pgbench says of a round.
struct Round {
    queries_per_s: f64,
    latency_ms: f64,
}

impl Side {
    fn new(config: &Config) -> Result<Side> {
        let host = match config.get_hosts() {
            [Host::Unix(dir)] => dir.to_string_lossy().into_owned(),
            [Host::Tcp(name)] => name.clone(),
            _ => bail!("a server of this machine listens in one place"),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let password = config.get_password().unwrap_or_default();
        let named = |name: Option<&str>| name.unwrap_or_default().to_owned();
        Ok(Side {
            environment: vec![
                ("PGHOST", host),
                ("PGPORT", port.to_string()),
                ("PGUSER", named(config.get_user())),
                ("PGDATABASE", named(config.get_dbname())),
                ("PGPASSWORD", String::from_utf8_lossy(password).into_owned()),
                ("PGSSLMODE", "disable".to_owned()),
            ],
        })
    }

    /// Runs a program while the proxy's runtime goes on.
    async fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(bindir()?.join(program));
        command.args(arguments).envs(self.environment.clone());
        let ran = tokio::task::spawn_blocking(move || command.output()).await??;
        if !ran.status.success() {
            bail!("{program}: {}", String::from_utf8_lossy(&ran.stderr));
        }
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    }

    async fn pgbench(&self, arguments: &[&str]) -> Result<Round> {
        let said = self.run("pgbench", arguments).await?;
        let number = |before: &str| -> Result<f64> {
            let rest = said.split_once(before).context("pgbench's figure")?.1;
            let word = rest.split_whitespace().next().context("a number")?;
            Ok(word.parse()?)
        };
        Ok(Round {
            queries_per_s: number("tps = ")?,
            latency_ms: number("latency average = ")?,
        })
    }

    async fn copy(&self, clock: &Clock) -> Result<f64> {
        let start = clock.now();
        let copy = "COPY pgbench_accounts TO STDOUT";
        self.run("psql", &["-X", "-q", "-o", "/dev/null", "-c", copy])
            .await?;
        Ok(ms(clock.now().since(start)))
    }
}

fn show<T>(name: &str, pairs: &[(T, T)], figure: impl Fn(&T) -> f64) {
    let direct = median(pairs.iter().map(|(direct, _)| figure(direct)));
    let through = median(pairs.iter().map(|(_, through)| figure(through)));
    let pairs = pairs.iter();
    let ratio = median(pairs.map(|(direct, through)| figure(through) / figure(direct)));
    println!("{name:26} {direct:10.3} {through:10.3} {ratio:7.3}");
}

/// The middle one; of an even number, the upper of the two.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Where the programs are: what Debian has on PATH is a script, whose time would count.
fn bindir() -> Result<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output()?;
    Ok(PathBuf::from(String::from_utf8(told.stdout)?.trim()))
}

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|set| set.parse().ok()).unwrap_or(default)
}
