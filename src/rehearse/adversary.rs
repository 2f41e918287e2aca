//! What else runs on a real database when the migration comes.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

use super::workload::{Adversary, AdversaryKind};
use crate::provision::{self, Role, Server};

/// Adversaries that are in place. Dropping them ends their transactions.
pub struct Adversaries(Vec<Waiting>);

struct Waiting {
    client: tokio_postgres::Client,
    hold: Duration,
}

/// The held transactions; they end by themselves, or when this is dropped.
pub struct Holding(Vec<JoinHandle<()>>);

impl Adversaries {
    /// Opens each adversary's transaction and runs its statement.
    pub async fn take_position(server: &Server, adversaries: &[Adversary]) -> Result<Adversaries> {
        let mut waiting = Vec::new();
        for adversary in adversaries {
            match adversary.kind {
                AdversaryKind::IdleInTransaction => {
                    let client = connect(server).await?;
                    let sql = &adversary.sql;
                    client.batch_execute("BEGIN").await?;
                    client
                        .query(sql, &[])
                        .await
                        .with_context(|| format!("adversary {sql:?}"))?;
                    waiting.push(Waiting {
                        client,
                        hold: Duration::from_millis(adversary.hold_ms),
                    });
                }
            }
        }
        Ok(Adversaries(waiting))
    }

    /// The first step begins: from now on each holds for its time, and then commits.
    pub fn hold(self) -> Holding {
        Holding(
            self.0
                .into_iter()
                .map(|waiting| tokio::spawn(waiting.finish()))
                .collect(),
        )
    }
}

/// As the application, under a name of its own: what it waits for is no query of the workload.
async fn connect(server: &Server) -> Result<tokio_postgres::Client> {
    let mut config = server.config(Role::Load);
    config.application_name("pgrehearse adversary");
    let client = provision::connect(&config).await;
    client.context("the adversary cannot connect")
}

impl Waiting {
    async fn finish(self) {
        tokio::time::sleep(self.hold).await;
        // A server that is gone has ended the transaction.
        let _ = self.client.batch_execute("COMMIT").await;
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
