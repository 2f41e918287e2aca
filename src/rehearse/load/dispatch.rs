//! Gives each arrival a query and a connection. All of it runs on the load's one thread.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_postgres::types::{Oid, Type};

use super::mix::Mix;
use super::pacer::{Bell, Pacer};
use super::params::AppParams;
use super::pool::{Note, PoolTally};
use super::tally::{Completion, INTERVAL, Tally};
use super::wire::{self, Failure};
use super::worker::Worker;
use super::{Arrival, Arrivals, Counted, Message, Traffic};
use crate::rehearse::clock::At;
use crate::rehearse::journal::Journal;
use crate::rehearse::workload::QueryKind;

/// How long queries under way may take to come back once the traffic has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// An arrival that has its query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) app: usize,
    pub(super) query: usize,
    pub(super) kind: QueryKind,
    pub(super) arrival: Arrival,
    /// No connection was free when it arrived.
    pub(super) delayed: bool,
}

/// What the workers of the load's thread share.
pub(super) struct Desk {
    pub(super) traffic: Traffic,
    pub(super) journal: Journal,
    /// By version; empty before a version is deployed.
    params: RefCell<Vec<Rc<AppParams>>>,
    /// Types that tokio-postgres does not know by itself.
    types: RefCell<HashMap<Oid, Type>>,
    state: RefCell<State>,
}

struct State {
    tally: Tally,
    pool: PoolTally,
    mix: Mix,
    backlog: VecDeque<Job>,
    /// Connections without a job, the one that had one last at the end.
    idle: Vec<usize>,
    /// What each connection is busy with, and who waits for it to be.
    busy: Vec<Option<Job>>,
    wakers: Vec<Option<Waker>>,
    /// In a closed loop: how many arrivals there were; `None` where arrivals have a schedule, or have ended.
    closed: Option<u64>,
    /// `None` in a closed loop, and before and after the traffic.
    pacer: Option<Pacer>,
}

impl Desk {
    /// What the connection is to do next; waits until there is something.
    pub(super) async fn next_job(&self, worker: usize) -> Job {
        self.state
            .borrow_mut()
            .free(worker, self.journal.clock.now());
        poll_fn(|cx| {
            let mut state = self.state.borrow_mut();
            match state.busy[worker] {
                Some(job) => Poll::Ready(job),
                None => {
                    state.wakers[worker] = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    pub(super) fn params(&self, app: usize) -> Rc<AppParams> {
        Rc::clone(&self.params.borrow()[app])
    }

    /// The type of this number, asked of the server on a connection for the purpose if need be.
    pub(super) async fn type_of(
        &self,
        config: &tokio_postgres::Config,
        oid: Oid,
    ) -> Result<Type, Failure> {
        let known = Type::from_oid(oid).or_else(|| self.types.borrow().get(&oid).cloned());
        match known {
            Some(ty) => Ok(ty),
            None => {
                let ty = wire::ask_type(config, oid).await?;
                self.types.borrow_mut().insert(oid, ty.clone());
                Ok(ty)
            }
        }
    }

    fn new(traffic: Traffic, journal: Journal) -> Desk {
        let connections = traffic.load.connections;
        let state = State {
            tally: Tally::new(journal.clone(), &traffic),
            pool: PoolTally::default(),
            mix: Mix::new(&traffic),
            backlog: VecDeque::new(),
            idle: Vec::new(),
            busy: vec![None; connections],
            wakers: vec![None; connections],
            closed: (traffic.arrivals == Arrivals::Closed).then_some(0),
            pacer: None,
        };
        Desk {
            params: RefCell::new(vec![Rc::default(); traffic.apps.len()]),
            types: RefCell::default(),
            state: RefCell::new(state),
            traffic,
            journal,
        }
    }

    /// The traffic moves to a version, bit by bit over `overlap`.
    fn deploy_over(&self, app: usize, params: AppParams, overlap: Duration) {
        self.deploy(app, params);
        let now = self.journal.clock.now();
        self.state.borrow_mut().mix.deploy(app, now, overlap);
    }

    fn deploy(&self, app: usize, params: AppParams) {
        self.params.borrow_mut()[app] = Rc::new(params);
        let now = self.journal.clock.now();
        self.state.borrow_mut().tally.deployed(app, now);
    }

    /// The worker's job has come back. The worker itself may have to connect again before its next.
    pub(super) fn completed(&self, worker: usize, completion: &Completion) {
        let mut state = self.state.borrow_mut();
        state.busy[worker] = None;
        state.tally.completed(completion);
    }

    pub(super) fn note(&self, at: At, note: Note) {
        if let Some(phase) = self.journal.phase_of(at, at) {
            self.state.borrow_mut().pool.note(phase, note);
        }
    }

    /// The schedule starts now, if there is to be one.
    fn start(&self, bell: &Rc<Bell>) {
        let load = &self.traffic.load;
        let clock = self.journal.clock;
        if self.traffic.arrivals == Arrivals::Open {
            let pacer = Pacer::new(clock, load.arrivals_per_s, load.seed, Rc::clone(bell));
            self.state.borrow_mut().pacer = Some(pacer);
        }
    }

    fn dispatch(&self) {
        self.state.borrow_mut().dispatch();
    }

    /// Closes the timeline's intervals up to now, with all that was due in them.
    fn roll(&self) {
        let mut state = self.state.borrow_mut();
        state.dispatch();
        state.tally.roll(self.journal.clock.now());
    }

    /// No more arrivals come.
    fn end(&self) -> At {
        let mut state = self.state.borrow_mut();
        // What was due until now has arrived, though nobody had looked yet.
        state.dispatch();
        state.pacer = None;
        state.closed = None;
        self.journal.clock.now()
    }

    fn is_drained(&self) -> bool {
        let state = self.state.borrow();
        state.backlog.is_empty() && state.busy.iter().all(Option::is_none)
    }

    /// Counts what has not come back of the traffic that ended at `end`.
    fn finish(&self, end: At) -> Counted {
        let mut state = self.state.borrow_mut();
        let open: Vec<_> = state.busy.iter_mut().filter_map(Option::take).collect();
        let open = open.into_iter().chain(std::mem::take(&mut state.backlog));
        for job in open.collect::<Vec<_>>() {
            state.tally.censored(&job);
        }
        let arriving = state.mix.arriving(end);
        Counted {
            load: std::mem::take(&mut state.pool).finish(),
            ..state.tally.finish(&self.traffic, end, &arriving)
        }
    }
}

impl State {
    /// A connection has nothing to do any more: it gets what has waited longest, or waits itself.
    fn free(&mut self, worker: usize, now: At) {
        let job = match &mut self.closed {
            Some(arrivals) => {
                *arrivals += 1;
                let number = *arrivals;
                let job = self.mix.pick(Arrival {
                    number,
                    scheduled: now,
                });
                self.tally.arrived(job.kind, job.arrival.scheduled);
                Some(job)
            }
            None => {
                self.dispatch();
                self.backlog.pop_front()
            }
        };
        self.busy[worker] = job;
        if job.is_none() {
            self.idle.push(worker);
            self.set_bell();
        }
    }

    /// Hands out all that is due.
    fn dispatch(&mut self) {
        while let Some(arrival) = self.pacer.as_mut().and_then(Pacer::due) {
            let job = self.mix.pick(arrival);
            self.hand_out(job);
        }
        self.set_bell();
    }

    /// Only where a connection could take what arrives: else it is soon enough to look when one is free. To be
    /// woken for each arrival would take a fifth of the time from those that work off the backlog.
    fn set_bell(&mut self) {
        if !self.idle.is_empty()
            && let Some(pacer) = &mut self.pacer
        {
            pacer.set_bell();
        }
    }

    fn hand_out(&mut self, mut job: Job) {
        self.tally.arrived(job.kind, job.arrival.scheduled);
        let Some(worker) = self.idle.pop() else {
            job.delayed = true;
            self.backlog.push_back(job);
            return;
        };
        self.busy[worker] = Some(job);
        if let Some(waker) = self.wakers[worker].take() {
            waker.wake();
        }
    }
}

/// Runs the load until it is told to stop.
pub(super) async fn run(
    config: tokio_postgres::Config,
    traffic: Traffic,
    params: AppParams,
    journal: Journal,
    mut inbox: mpsc::UnboundedReceiver<Message>,
    ready: oneshot::Sender<Result<()>>,
) -> Counted {
    let desk = Rc::new(Desk::new(traffic, journal));
    desk.deploy(0, params);
    let mut workers = JoinSet::new();
    let bell = match connect(&config, &desk, &mut workers).await {
        Ok(bell) => Rc::new(bell),
        Err(error) => {
            // Nobody listens any more when the rehearsal was dropped.
            let _ = ready.send(Err(error));
            return Counted::default();
        }
    };
    if ready.send(Ok(())).is_err() {
        return Counted::default();
    }
    desk.start(&bell);
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        desk.dispatch();
        tokio::select! {
            message = inbox.recv() => match message {
                Some(Message::Deploy { app, params, overlap }) => desk.deploy_over(app, params, overlap),
                Some(Message::Stop) | None => break,
            },
            () = bell.rings() => {}
            _ = ticks.tick() => desk.roll(),
        }
    }
    let end = desk.end();
    let deadline = tokio::time::Instant::now() + DRAIN;
    while !desk.is_drained() && tokio::time::Instant::now() < deadline {
        ticks.tick().await;
        desk.roll();
    }
    workers.abort_all();
    desk.finish(end)
}

/// Opens all connections.
async fn connect(
    config: &tokio_postgres::Config,
    desk: &Rc<Desk>,
    workers: &mut JoinSet<()>,
) -> Result<Bell> {
    let load = &desk.traffic.load;
    for index in 0..load.connections {
        let worker = Worker::connect(config.clone(), Rc::clone(desk), index).await;
        let place = || {
            format!(
                "connection {} of {} of the load",
                index + 1,
                load.connections
            )
        };
        workers.spawn_local(worker.with_context(place)?.work());
    }
    Bell::new().context("cannot make a timer")
}
