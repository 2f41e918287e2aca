//! Tables that look used: rows that were updated and lie elsewhere, and dead ones that are still there.

use tokio_postgres::{Client, Config};

use super::dataset::Aged;
use super::jobs::{self, Job};
use super::layout::Layout;
use super::{Error, Spec, dice};
use crate::postgres::catalogue;
use crate::postgres::relation::quote_literal;
use crate::talk::Talk;

/// A table that is to look used.
pub(super) struct Young {
    sql_name: String,
    aged: Aged,
    key: u64,
}

/// The tables whose description says so.
pub(super) fn of(spec: &Spec, layouts: &[Layout]) -> Vec<Young> {
    let young = |layout: &Layout| {
        let aged = spec.dataset.tables.get(&layout.name)?.aged.clone()?;
        Some(Young {
            sql_name: layout.sql_name.clone(),
            aged,
            key: dice::key(spec.seed, &layout.name),
        })
    };
    layouts.iter().filter_map(young).collect()
}

/// Updates rows and vacuums, so that there is room for others; updates more, and leaves the dead.
///
/// No value changes. Triggers must not fire, and each step waits for the one before it in all tables: VACUUM
/// keeps what died while another transaction was open.
pub(super) async fn all(
    config: &Config,
    client: &Client,
    tables: Vec<Young>,
    workers: usize,
    talk: &Talk,
) -> Result<(), Error> {
    if tables.is_empty() {
        return Ok(());
    }
    let counts = count_at_once(client).await?;
    let mut steps: [Vec<Job>; 4] = Default::default();
    for young in &tables {
        let name = &young.sql_name;
        let failed = || Error::doing(format!("cannot read the columns of {name}"));
        let rows = client.query_one(catalogue::ROWS_OF, &[name]).await;
        let rows = rows.map_err(failed())?;
        let Some(target) = rows.get::<_, Option<String>>("target") else {
            talk.note(format!(
                "{name} has no column that can be updated: it stays as new"
            ));
            continue;
        };
        let own_key: String = rows.get("own_key");
        let update = |salt: u64, fraction: f64| {
            let chosen = chosen(&own_key, dice::mix(young.key ^ salt), fraction);
            format!("UPDATE {name} AS r SET {target} = r.{target} WHERE {chosen}")
        };
        let statements = [
            update(1, young.aged.updated),
            format!("VACUUM {name}"),
            update(2, young.aged.dead),
            format!("ANALYZE {name}"),
        ];
        for (step, sql) in steps.iter_mut().zip(statements) {
            let mut job = Job::new(sql, [name.clone()], true);
            if job.statements[0].starts_with("UPDATE") {
                job.statements.extend(counts.map(str::to_owned));
            }
            step.push(job);
        }
    }
    for step in steps {
        jobs::run(config, step, workers, "aging", talk).await?;
    }
    Ok(())
}

/// A statement after which the session tells at once what it counted. Else it may tell when ANALYZE has counted
/// the same, and there would seem to be twice as many dead rows.
async fn count_at_once(client: &Client) -> Result<Option<&'static str>, Error> {
    let row = client
        .query_one(catalogue::CAN_FLUSH_COUNTS, &[])
        .await
        .map_err(Error::doing("cannot read the server's version"))?;
    Ok(row.get::<_, bool>(0).then_some(catalogue::FLUSH_COUNTS))
}

/// A condition that this fraction of rows meets: what a row holds decides, not where it lies.
fn chosen(own_key: &str, key: u64, fraction: f64) -> String {
    const OUT_OF: f64 = (1u32 << 24) as f64;
    let below = (fraction * OUT_OF).round();
    let (key, mask) = (
        quote_literal(&key.cast_signed().to_string()),
        (1u32 << 24) - 1,
    );
    format!("(hashtextextended({own_key}::text, {key}::bigint) & {mask}) < {below}")
}
