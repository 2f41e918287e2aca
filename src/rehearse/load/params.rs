//! Values for a query's parameters: keys that exist in the database, or made ones.

use std::error::Error;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::BytesMut;
use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::postgres::relation::quote_identifier;
use crate::rehearse::workload::{ColumnParam, Param};
use crate::seed::context::Context;
use crate::seed::dice::{self, Dice};
use crate::seed::generators::Generator;
use crate::seed::skew::{Scatter, Skew};
use crate::seed::value::{Scratch, Value};

/// How many values of a column that is no integer are kept to choose from.
const POOL: usize = 10_000;

/// Where a parameter's values come from, resolved against the database.
#[derive(Clone, Debug)]
pub enum ParamSource {
    /// Integers that are dense between two bounds, as keys are.
    Range { min: i64, pick: Pick },
    /// Values read from the column, in the binary form in which they came.
    Pool {
        values: Arc<Vec<RawValue>>,
        pick: Pick,
    },
    /// Values of a generator.
    Made(Arc<Generator>),
}

/// Which of n things is taken: some more often than others, and those scattered over all of them.
#[derive(Clone, Debug)]
pub struct Pick {
    key: u64,
    skew: Skew,
    scatter: Scatter,
}

/// A value in the server's binary form.
#[derive(Clone, Debug)]
pub struct RawValue(Vec<u8>);

/// The value for one arrival: the same number gives the same value. Encoded when the query is sent.
#[derive(Debug)]
pub struct ParamValue<'a> {
    pub source: &'a ParamSource,
    pub number: u64,
}

impl ParamSource {
    /// Reads from the database what the parameter needs. `place` names it, and makes its values independent
    /// of other parameters'.
    pub async fn resolve(
        client: &Client,
        param: &Param,
        context: &Context<'_>,
        place: &str,
    ) -> Result<ParamSource> {
        let source = match param {
            Param::Column(column) => {
                from_column(client, column, dice::key(context.seed, place)).await
            }
            Param::Made(spec) => spec
                .build(&context.free(place))
                .map(|generator| ParamSource::Made(Arc::new(generator)))
                .map_err(|message| anyhow!(message)),
        };
        source.with_context(|| format!("parameter {place}"))
    }
}

impl Pick {
    fn new(count: u64, skew: f64, key: u64) -> Pick {
        Pick {
            key,
            skew: Skew::new(count, skew),
            scatter: Scatter::new(count, key),
        }
    }

    fn at(&self, number: u64) -> u64 {
        self.scatter
            .row(self.skew.rank(&mut Dice::new(self.key, number)))
    }
}

async fn from_column(client: &Client, param: &ColumnParam, key: u64) -> Result<ParamSource> {
    let parts: Vec<&str> = param.column.split('.').collect();
    let (table, column) = match parts[..] {
        [table, column] => (quote_identifier(table), quote_identifier(column)),
        [schema, table, column] => (
            format!("{}.{}", quote_identifier(schema), quote_identifier(table)),
            quote_identifier(column),
        ),
        _ => bail!("expected table.column or schema.table.column"),
    };
    let probe = client
        .prepare(&format!("SELECT {column} FROM {table}"))
        .await?;
    let column_type = probe.columns()[0].type_().clone();
    if [Type::INT2, Type::INT4, Type::INT8].contains(&column_type) {
        let sql = format!("SELECT min({column})::bigint, max({column})::bigint FROM {table}");
        let row = client.query_one(&sql, &[]).await?;
        let (Some(min), Some(max)) = (row.get::<_, Option<i64>>(0), row.get::<_, Option<i64>>(1))
        else {
            bail!("the column holds no value");
        };
        let pick = Pick::new(max.abs_diff(min) + 1, param.skew, key);
        return Ok(ParamSource::Range { min, pick });
    }
    // A sample of a thousand blocks, the same each time, from all over the table; a small table may give none,
    // and is read from its beginning.
    let sample = format!(
        "SELECT {column} FROM {table} TABLESAMPLE SYSTEM (least(100, 100 * 1000 * 8192.0
         / greatest(1, pg_relation_size('{}')))) REPEATABLE (1)
         WHERE {column} IS NOT NULL ORDER BY md5({column}::text) LIMIT {POOL}",
        table.replace('\'', "''")
    );
    let first = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL LIMIT {POOL}");
    for sql in [sample, first] {
        let rows = client.query(&sql, &[]).await?;
        if !rows.is_empty() {
            let pick = Pick::new(rows.len() as u64, param.skew, key);
            let values = Arc::new(rows.iter().map(|row| row.get(0)).collect());
            return Ok(ParamSource::Pool { values, pick });
        }
    }
    bail!("the column holds no value")
}

impl ToSql for ParamValue<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.source {
            ParamSource::Pool { values, pick } => {
                out.extend_from_slice(&values[pick.at(self.number) as usize].0);
                Ok(IsNull::No)
            }
            ParamSource::Range { min, pick } => {
                Value::Int(min + pick.at(self.number) as i64).to_sql(ty, out)
            }
            ParamSource::Made(generator) => generator
                .value(self.number, &mut Scratch::default())
                .to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for RawValue {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<RawValue, Box<dyn Error + Sync + Send>> {
        Ok(RawValue(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_belongs_to_its_arrival_and_fits_the_parameters_type() {
        let source = ParamSource::Range {
            min: 10,
            pick: Pick::new(5, 0.0, 1),
        };
        let value = |number, ty: &Type| {
            let mut out = BytesMut::new();
            ParamValue {
                source: &source,
                number,
            }
            .to_sql(ty, &mut out)
            .unwrap();
            out
        };
        for number in 0..50 {
            let long = value(number, &Type::INT8);
            assert_eq!(long, value(number, &Type::INT8));
            assert_eq!(long[6..], value(number, &Type::INT2)[..]);
            assert!((10..15).contains(&long[7]));
        }
    }
}
