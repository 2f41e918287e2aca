//! Queries tried before they are traffic: one that fails by itself would be taken for the migration's doing.

use std::collections::BTreeMap;

use anyhow::Result;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config};

use super::params::{ParamValue, QueryParams};
use crate::postgres::failure::in_words;
use crate::provision;
use crate::rehearse::workload::{App, Protocol, Query};
use crate::seed;
use crate::seed::context::Context;

/// Each query is sent so often, with other values each time.
const TIMES: u64 = 20;

/// The queries of a version that fail, by name, with what the server says. Nothing that they write stays.
pub async fn failing(
    config: &Config,
    app: &App,
    data: &seed::Spec,
) -> Result<BTreeMap<String, String>> {
    let client = provision::connect(config).await?;
    let context = Context::new(data);
    let mut failing = BTreeMap::new();
    for query in &app.queries {
        client.batch_execute("BEGIN").await?;
        if let Err(why) = tried(&client, &app.name, query, &context).await {
            failing.insert(query.name.clone(), why);
        }
        client.batch_execute("ROLLBACK").await?;
    }
    Ok(failing)
}

async fn tried(
    client: &Client,
    app: &str,
    query: &Query,
    context: &Context<'_>,
) -> Result<(), String> {
    let params = QueryParams::of(client, app, query, context, Protocol::Prepared);
    let params = params.await.map_err(|error| format!("{error:#}"))?;
    let statement = client.prepare(&query.sql).await;
    let statement = statement.map_err(|error| in_words(&error))?;
    for number in 0..TIMES {
        let sources = params.sources.iter();
        let values: Vec<_> = sources
            .map(|source| ParamValue { source, number })
            .collect();
        let values: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|value| value as &(dyn ToSql + Sync))
            .collect();
        let done = client.execute(&statement, &values).await;
        done.map_err(|error| in_words(&error))?;
    }
    Ok(())
}
