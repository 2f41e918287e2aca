//! A vacuum that does not give way to who waits for its lock, as one to prevent wraparound does not.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio_postgres::Client;

use super::Work;
use crate::postgres::{LockMode, RelationName};
use crate::rehearse::observe::catalogue::holds_lock;

/// As slow as the server lets a vacuum be: a tenth of a second and more for each page.
const SLOW: &str = "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1";

/// How long it may take to get its lock.
const IN_PLACE_LIMIT: Duration = Duration::from_secs(30);

const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Starts the vacuum of a table, and returns when it holds its lock.
pub(super) async fn begin(client: Arc<Client>, observer: &Client, table: &str) -> Result<Work> {
    let table = RelationName::from(table.to_owned()).quoted();
    client.batch_execute(SLOW).await?;
    let own_pid = client.query_one("SELECT pg_backend_pid()", &[]).await?;
    let pid: i32 = own_pid.get(0);
    let vacuum =
        format!("VACUUM (FREEZE, DISABLE_PAGE_SKIPPING, TRUNCATE false, PARALLEL 0) {table}");
    let mut work = Work::from_iter([async move { client.batch_execute(&vacuum).await }]);
    let in_place = async {
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        loop {
            looks.tick().await;
            let held = holds_lock(observer, pid, &table, LockMode::ShareUpdateExclusiveLock);
            if held.await? {
                return Ok::<(), tokio_postgres::Error>(());
            }
        }
    };
    tokio::select! {
        held = tokio::time::timeout(IN_PLACE_LIMIT, in_place) => {
            held.context("it did not get its lock within 30 s")??;
        }
        Some(ended) = work.join_next() => {
            ended??;
            bail!("it was over before it could be seen to hold its lock");
        }
    }
    Ok(work)
}
