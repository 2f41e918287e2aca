//! A rehearsal within the test's own process, with the test as a second party on the server.

use std::time::Duration;

use clap::Parser;
use pgrehearse::cli::{Cli, Command};
use pgrehearse::plan::Plan;
use pgrehearse::provision::{self, Role, Settings};
use pgrehearse::rehearse::{self, Recording};
use pgrehearse::report::Run;
use pgrehearse::seed;
use pgrehearse::talk::Talk;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_postgres::Client;

use super::Scenario;
use crate::server::connect;
use crate::support::cache_dir;

/// How long anything may take that a test waits for.
const DEADLINE: Duration = Duration::from_secs(60);

/// A server with a clone of the scenario's dataset, before anything is rehearsed on it.
pub(super) struct Stage {
    plan: Plan,
    server: provision::Server,
}

/// What a rehearsal gave, and how far clocks and wake-ups were off meanwhile.
pub(super) struct Played<T> {
    pub(super) recording: Recording,
    pub(super) run: Run,
    pub(super) alongside: T,
    /// The longest time that a trivial query took on this machine during the run: nothing that is seen from
    /// outside of the server can be known better than this.
    pub(super) jitter_ms: f64,
}

impl Stage {
    pub(super) async fn set(scenario: &Scenario) -> Stage {
        Stage::set_on(scenario, &["--provider", "local"]).await
    }

    pub(super) async fn set_on(scenario: &Scenario, provider: &[&str]) -> Stage {
        let dir = scenario.dir.path().to_str().unwrap();
        let arguments = ["pgrehearse", "run", dir];
        let cache_dir = cache_dir();
        let cache = ["--cache-dir", cache_dir.to_str().unwrap()];
        let Command::Run(args) =
            Cli::parse_from([&arguments[..], provider, &cache].concat()).command
        else {
            unreachable!("these are the arguments of run")
        };
        let plan = Plan::resolve(&args).unwrap().remove(0);
        let talk = Talk::silent();
        let host = provision::open(&plan.provision, None, &talk).await.unwrap();
        let template = seed::template::obtain(&host, &plan.seed, &talk).await;
        let settings = rehearse::server_settings(&plan.rehearse, &Settings::new(), &talk);
        let server = host.start_clone(&template.unwrap(), &settings).await;
        Stage {
            plan,
            server: server.unwrap(),
        }
    }

    pub(super) async fn connect(&self, role: Role) -> Client {
        connect(&self.server.config(role)).await
    }

    /// Rehearses, with something of the test's own running beside it.
    pub(super) async fn play<T>(&self, alongside: impl Future<Output = T>) -> Played<T> {
        let (_stop, stopped) = watch::channel(false);
        let talk = Talk::silent();
        let (over, jitter) = watch::channel(false);
        let jitter = tokio::spawn(longest_ping(self.connect(Role::Admin).await, jitter));
        let rehearsal = rehearse::rehearse(&self.server, &self.plan.rehearse, stopped, &talk);
        let (recording, alongside) = tokio::join!(rehearsal, alongside);
        over.send_replace(true);
        Played {
            run: Run::from_recording(&recording),
            recording,
            alongside,
            jitter_ms: jitter.await.unwrap(),
        }
    }
}

impl<T> Played<T> {
    /// What a figure that is truly so long may be off by: 2 ms or 1 %, and what this machine adds.
    pub(super) fn tolerance_ms(&self, truth_ms: f64) -> f64 {
        (truth_ms / 100.0).max(2.0) + self.jitter_ms
    }
}

/// Asks the server's time again and again, and returns the longest time that took, in milliseconds.
async fn longest_ping(client: Client, mut over: watch::Receiver<bool>) -> f64 {
    let mut longest = Duration::ZERO;
    let mut beat = tokio::time::interval(Duration::from_millis(3));
    while !*over.borrow_and_update() {
        beat.tick().await;
        let asked = Instant::now();
        client.simple_query("SELECT 1").await.unwrap();
        longest = longest.max(asked.elapsed());
    }
    longest.as_secs_f64() * 1_000.0
}

/// Waits until the query, which gives one boolean, gives true.
pub(super) async fn until(client: &Client, sql: &str) {
    let deadline = Instant::now() + DEADLINE;
    let statement = client.prepare(sql).await.unwrap();
    loop {
        let row = client.query_one(&statement, &[]).await.unwrap();
        if row.get::<_, Option<bool>>(0) == Some(true) {
            return;
        }
        assert!(Instant::now() < deadline, "never true: {sql}");
        tokio::task::yield_now().await;
    }
}

/// The server's time, in milliseconds.
pub(super) async fn server_ms(client: &Client) -> f64 {
    let sql = "SELECT extract(epoch FROM clock_timestamp())::float8 * 1000";
    client.query_one(sql, &[]).await.unwrap().get(0)
}
