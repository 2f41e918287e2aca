//! The end of a run: what everyone has seen goes into the recording.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio_postgres::Client;

use super::{Stage, from_samples};
use crate::rehearse::journal::Journal;
use crate::rehearse::observe::catalogue::{self, Catalogue};
use crate::rehearse::observe::log::{self, LogMark};
use crate::rehearse::recording::Recording;

/// How long reading the catalogue and the log may take.
const COLLECT_LIMIT: Duration = Duration::from_secs(120);

impl Stage<'_> {
    /// Ends traffic and sampling, and gathers what everyone has seen.
    pub(super) async fn collect(self, recording: &mut Recording) -> Result<()> {
        let admin = self.admin();
        let counted = self.driver.stop().await;
        recording.classes = counted.classes;
        recording.totals = counted.totals;
        recording.load = counted.load;
        if self.sampler.has_ended() {
            recording.warnings.push(
                "the server closed its connections while it was watched: there are no samples after that"
                    .to_owned(),
            );
        }
        let sampled = self.sampler.stop().await;
        recording.sampled_waits = sampled.waits;
        recording.warnings.extend(sampled.warning);
        let now = self.journal.clock.now();
        (recording.migration_pids, recording.locks) = self.watched.finish(now);
        let read = read_back(&admin, &self.before, self.log, &self.journal, recording);
        match tokio::time::timeout(COLLECT_LIMIT, read).await {
            Ok(read) => read,
            Err(_) => bail!(
                "the server did not answer within {} s",
                COLLECT_LIMIT.as_secs()
            ),
        }
    }
}

/// What only the server knows, once the traffic has ended.
async fn read_back(
    admin: &Client,
    before: &Catalogue,
    log: Option<LogMark>,
    journal: &Journal,
    recording: &mut Recording,
) -> Result<()> {
    let after = catalogue::read(admin)
        .await
        .context("the server went away")?;
    recording.relations = before.joined(&after);
    // Where one of several sessions has landed, what it did is not left over from the others' failure.
    if recording.steps.iter().any(|step| !step.has_landed()) {
        recording.left_behind = before.difference(&after);
    }
    if let Some(mark) = &log {
        match log::waits_since(admin, mark, &journal.clock).await {
            Ok(waits) => recording.logged_waits = Some(waits),
            Err(error) => recording.warnings.push(from_samples(&error)),
        }
    }
    Ok(())
}
