//! The sampler's thread: a runtime of its own, so that a sample wakes one thread and not three.

use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::{oneshot, watch};

use super::activity::{self, Reader, Sampled};
use super::watched::Watched;
use crate::postgres::Version;
use crate::provision;
use crate::rehearse::clock::Clock;

/// The running sampler. Dropping it stops it.
pub struct Sampler {
    stop: watch::Sender<bool>,
    sampled: oneshot::Receiver<Sampled>,
    thread: JoinHandle<()>,
}

impl Sampler {
    /// Connects and begins to sample.
    pub async fn start(
        config: tokio_postgres::Config,
        version: Version,
        clock: Clock,
        watched: Watched,
        interval: Duration,
    ) -> Result<Sampler> {
        let (stop, stopped) = watch::channel(false);
        let (ready, connected) = oneshot::channel();
        let (result, sampled) = oneshot::channel();
        let work = async move {
            let reader = async {
                let client = provision::connect(&config).await?;
                Ok(Reader::new(client, version, clock).await?)
            };
            // Nobody listens any more when the rehearsal was dropped.
            match reader.await {
                Ok(reader) => {
                    let _ = ready.send(Ok(()));
                    let _ = result.send(activity::sample(reader, watched, interval, stopped).await);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the sampler's runtime")?;
        let thread = std::thread::Builder::new()
            .name("sampler".to_owned())
            .spawn(move || runtime.block_on(work))
            .context("cannot start the sampler's thread")?;
        let connected: Result<()> = connected.await.context("the sampler ended early")?;
        connected.context("the sampler cannot connect")?;
        Ok(Sampler {
            stop,
            sampled,
            thread,
        })
    }

    /// It has lost its server.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stops it, and hands back what it saw.
    pub async fn stop(self) -> Sampled {
        // One that has lost its server hands over what it saw before.
        let _ = self.stop.send(true);
        self.sampled.await.unwrap_or_default()
    }
}
