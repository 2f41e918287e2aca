//! Gives each arrival a query and a connection. All of it runs on the load's one thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::tally::{Completion, INTERVAL, Tally};
use super::worker::Worker;
use super::{AppParams, Arrival, Counted, Message, Traffic};
use crate::rehearse::clock::At;
use crate::rehearse::journal::Journal;

/// How long queries under way may take to come back once the traffic has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// An arrival that has its query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) app: usize,
    pub(super) query: usize,
    pub(super) arrival: Arrival,
    /// No connection was free when it arrived.
    pub(super) delayed: bool,
}

/// What the workers of the load's thread share.
pub(super) struct Desk {
    pub(super) traffic: Arc<Traffic>,
    pub(super) journal: Journal,
    /// By version; `None` before a version is deployed.
    params: RefCell<Vec<Option<Rc<AppParams>>>>,
    state: RefCell<State>,
}

struct State {
    tally: Tally,
    backlog: VecDeque<Job>,
    idle: Vec<mpsc::UnboundedSender<Job>>,
    /// What each connection is busy with.
    busy: Vec<Option<Job>>,
}

impl Desk {
    /// A worker has come back from a job and takes the next, or is idle.
    pub(super) fn next_job(
        &self,
        worker: usize,
        inbox: &mpsc::UnboundedSender<Job>,
    ) -> Option<Job> {
        let mut state = self.state.borrow_mut();
        let job = state.backlog.pop_front();
        state.busy[worker] = job;
        if job.is_none() {
            state.idle.push(inbox.clone());
        }
        job
    }

    pub(super) fn params(&self, app: usize) -> Rc<AppParams> {
        self.params.borrow()[app].clone().unwrap_or_default()
    }

    fn deploy(&self, app: usize, params: AppParams) {
        self.params.borrow_mut()[app] = Some(Rc::new(params));
        let now = self.journal.clock.now();
        let queries = self.traffic.apps[app].queries.iter();
        let kinds: Vec<_> = queries.map(|query| query.kind).collect();
        self.state.borrow_mut().tally.deployed(app, &kinds, now);
    }

    pub(super) fn begins(&self, worker: usize, job: Job) {
        self.state.borrow_mut().busy[worker] = Some(job);
    }

    /// The worker's job has come back. The worker itself may have to connect again before its next.
    pub(super) fn completed(&self, worker: usize, completion: &Completion) {
        let mut state = self.state.borrow_mut();
        state.busy[worker] = None;
        state.tally.completed(completion);
    }

    fn arrives(&self, mut job: Job) {
        let kind = self.traffic.apps[job.app].queries[job.query].kind;
        let mut state = self.state.borrow_mut();
        state.tally.arrived(kind);
        while let Some(idle) = state.idle.pop() {
            if idle.send(job).is_ok() {
                return;
            }
        }
        job.delayed = true;
        state.backlog.push_back(job);
    }

    fn roll(&self) {
        let now = self.journal.clock.now();
        self.state.borrow_mut().tally.roll(now);
    }

    fn is_drained(&self) -> bool {
        let state = self.state.borrow();
        state.backlog.is_empty() && state.busy.iter().all(Option::is_none)
    }

    /// Counts what has not come back of the traffic that ended at `end`, when `arriving` versions had some.
    fn finish(&self, end: At, arriving: &[usize]) -> Counted {
        let mut state = self.state.borrow_mut();
        let open: Vec<_> = state.busy.iter_mut().filter_map(Option::take).collect();
        let open = open.into_iter().chain(std::mem::take(&mut state.backlog));
        for job in open.collect::<Vec<_>>() {
            let kind = self.traffic.apps[job.app].queries[job.query].kind;
            state
                .tally
                .censored(job.app, job.query, kind, job.arrival.scheduled, job.delayed);
        }
        let tally = std::mem::replace(&mut state.tally, Tally::new(self.journal.clone()));
        tally.finish(&self.traffic, end, arriving)
    }
}

/// Runs the load until it is told to stop.
pub(super) async fn run(
    config: tokio_postgres::Config,
    traffic: Arc<Traffic>,
    params: AppParams,
    journal: Journal,
    mut inbox: mpsc::UnboundedReceiver<Message>,
    ready: oneshot::Sender<Result<()>>,
) -> Counted {
    let connections = traffic.load.connections;
    let state = State {
        tally: Tally::new(journal.clone()),
        backlog: VecDeque::new(),
        idle: Vec::new(),
        busy: vec![None; connections],
    };
    let desk = Rc::new(Desk {
        params: RefCell::new(vec![None; traffic.apps.len()]),
        traffic: Arc::clone(&traffic),
        journal,
        state: RefCell::new(state),
    });
    desk.deploy(0, params);
    let mut workers = JoinSet::new();
    let connected = connect(&config, &desk, connections, &mut workers).await;
    let failed = connected.is_err();
    if ready.send(connected).is_err() || failed {
        return Counted::default();
    }
    let mut mix = Mix::new(&traffic);
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            message = inbox.recv() => match message {
                Some(Message::Arrival(arrival)) => desk.arrives(mix.pick(arrival)),
                Some(Message::Deploy { app, params, overlap }) => {
                    desk.deploy(app, params);
                    mix.deploy(app, desk.journal.clock.now(), overlap);
                }
                Some(Message::Stop) | None => break,
            },
            _ = ticks.tick() => desk.roll(),
        }
    }
    let end = desk.journal.clock.now();
    let deadline = tokio::time::Instant::now() + DRAIN;
    while !desk.is_drained() && tokio::time::Instant::now() < deadline {
        ticks.tick().await;
        desk.roll();
    }
    workers.abort_all();
    desk.finish(end, &mix.arriving(end))
}

async fn connect(
    config: &tokio_postgres::Config,
    desk: &Rc<Desk>,
    connections: usize,
    workers: &mut JoinSet<()>,
) -> Result<()> {
    for index in 0..connections {
        let worker = Worker::connect(config.clone(), Rc::clone(desk), index)
            .await
            .with_context(|| format!("connection {} of {connections} of the load", index + 1))?;
        workers.spawn_local(worker.work());
    }
    Ok(())
}

/// Which version and which query an arrival gets.
struct Mix {
    rng: SmallRng,
    /// Weights of each version's queries, added up.
    cumulative: Vec<Vec<f64>>,
    old: usize,
    new: usize,
    since: At,
    overlap: Duration,
}

impl Mix {
    fn new(traffic: &Traffic) -> Mix {
        let add_up = |app: &super::App| {
            let weights = app.queries.iter().map(|query| query.weight);
            weights
                .scan(0.0, |sum, weight| {
                    *sum += weight;
                    Some(*sum)
                })
                .collect()
        };
        Mix {
            rng: SmallRng::seed_from_u64(traffic.load.seed ^ 0x5157),
            cumulative: traffic.apps.iter().map(add_up).collect(),
            old: 0,
            new: 0,
            since: At(0),
            overlap: Duration::ZERO,
        }
    }

    fn deploy(&mut self, app: usize, now: At, overlap: Duration) {
        (self.old, self.new) = (self.new, app);
        (self.since, self.overlap) = (now, overlap);
    }

    /// The share of the traffic that the new version has.
    fn rolled_out(&self, at: At) -> f64 {
        if self.overlap.is_zero() {
            return 1.0;
        }
        at.since(self.since).as_secs_f64() / self.overlap.as_secs_f64()
    }

    /// The versions that have traffic.
    fn arriving(&self, at: At) -> Vec<usize> {
        if self.rolled_out(at) < 1.0 {
            vec![self.old, self.new]
        } else {
            vec![self.new]
        }
    }

    fn pick(&mut self, arrival: Arrival) -> Job {
        let app = if self.rng.random::<f64>() < self.rolled_out(arrival.scheduled) {
            self.new
        } else {
            self.old
        };
        let cumulative = &self.cumulative[app];
        let total = cumulative.last().copied().unwrap_or(0.0);
        let point = self.rng.random::<f64>() * total;
        let query = cumulative
            .partition_point(|sum| *sum <= point)
            .min(cumulative.len() - 1);
        Job {
            app,
            query,
            arrival,
            delayed: false,
        }
    }
}
