//! Values for a query's parameters: keys that exist in the database, or made ones.

use std::error::Error;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::BytesMut;
use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::literal::Template;
use crate::postgres::relation::quote_identifier;
use crate::rehearse::workload::{App, ColumnParam, Param, Protocol, Query};
use crate::seed::context::Context;
use crate::seed::dice::{self, Dice};
use crate::seed::generators::Generator;
use crate::seed::skew::{Scatter, Skew};
use crate::seed::value::{Scratch, Value};

/// How many values of a column that is no integer are kept to choose from.
const POOL: usize = 10_000;

/// What a query of a version is sent with.
#[derive(Clone, Debug)]
pub struct QueryParams {
    pub sources: Vec<ParamSource>,
    /// The text to write the values into; `None` where they travel beside the text.
    pub template: Option<Template>,
}

/// The same for each query of a version, in their order.
pub type AppParams = Vec<QueryParams>;

/// Where a parameter's values come from, resolved against the database.
#[derive(Clone, Debug)]
pub enum ParamSource {
    /// Integers that are dense between two bounds, as keys are.
    Range { min: i64, pick: Pick },
    /// Values read from the column, as they will be sent: in binary form, or as text for literals.
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

/// A value as it came from the server.
#[derive(Clone, Debug)]
pub struct RawValue(Vec<u8>);

/// The value that one arrival gets.
#[derive(Debug)]
pub(super) enum Picked<'a> {
    Raw(&'a [u8]),
    Made(Value<'a>),
}

/// The value for one arrival: the same number gives the same value. Encoded when the query is sent.
#[derive(Debug)]
pub struct ParamValue<'a> {
    pub source: &'a ParamSource,
    pub number: u64,
}

impl QueryParams {
    /// Reads from the database what the queries of a version need.
    pub async fn of_app(
        client: &Client,
        app: &App,
        context: &Context<'_>,
        protocol: Protocol,
    ) -> Result<AppParams> {
        let mut params = Vec::new();
        for query in &app.queries {
            params.push(QueryParams::of(client, &app.name, query, context, protocol).await?);
        }
        Ok(params)
    }

    pub(super) async fn of(
        client: &Client,
        app: &str,
        query: &Query,
        context: &Context<'_>,
        protocol: Protocol,
    ) -> Result<QueryParams> {
        let mut sources = Vec::new();
        for (index, param) in query.params.iter().enumerate() {
            let place = format!("${} of {} in {app}", index + 1, query.name);
            sources.push(ParamSource::resolve(client, param, context, &place, protocol).await?);
        }
        let template = match protocol {
            Protocol::Prepared => None,
            Protocol::Simple => Some(Template::resolve(client, app, query).await?),
        };
        Ok(QueryParams { sources, template })
    }
}

impl ParamSource {
    /// Reads from the database what the parameter needs. `place` names it, and makes its values independent
    /// of other parameters'.
    pub async fn resolve(
        client: &Client,
        param: &Param,
        context: &Context<'_>,
        place: &str,
        protocol: Protocol,
    ) -> Result<ParamSource> {
        let source = match param {
            Param::Column(column) => {
                let key = dice::key(context.seed, place);
                from_column(client, column, key, protocol).await
            }
            Param::Made(spec) => spec
                .build(&context.free(place))
                .map(|generator| ParamSource::Made(Arc::new(generator)))
                .map_err(|message| anyhow!(message)),
        };
        source.with_context(|| format!("parameter {place}"))
    }

    /// The value for an arrival: the same number gives the same value.
    pub(super) fn picked<'a>(&'a self, number: u64, scratch: &'a mut Scratch) -> Picked<'a> {
        match self {
            ParamSource::Pool { values, pick } => Picked::Raw(&values[pick.at(number) as usize].0),
            ParamSource::Range { min, pick } => {
                Picked::Made(Value::Int(min.wrapping_add_unsigned(pick.at(number))))
            }
            ParamSource::Made(generator) => Picked::Made(generator.value(number, scratch)),
        }
    }

    /// A source of one value, as it came from the server.
    #[cfg(test)]
    pub(super) fn constant(value: &str) -> ParamSource {
        ParamSource::Pool {
            values: Arc::new(vec![RawValue(value.as_bytes().to_vec())]),
            pick: Pick::new(1, 0.0, 1),
        }
    }
}

impl Pick {
    fn new(count: u64, skew: f64, key: u64) -> Pick {
        Pick {
            key,
            skew: Skew::drawn_often(count, skew),
            scatter: Scatter::new(count, key),
        }
    }

    fn at(&self, number: u64) -> u64 {
        self.scatter
            .row(self.skew.rank(&mut Dice::new(self.key, number)))
    }
}

async fn from_column(
    client: &Client,
    param: &ColumnParam,
    key: u64,
    protocol: Protocol,
) -> Result<ParamSource> {
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
    let value = match protocol {
        Protocol::Prepared => column.clone(),
        Protocol::Simple => format!("{column}::text"),
    };
    // A sample of a thousand blocks, the same each time, from all over the table; a small table may give none,
    // and is read from its beginning.
    let sample = format!(
        "SELECT {value} FROM {table} TABLESAMPLE SYSTEM (least(100, 100 * 1000 * 8192.0
         / greatest(1, pg_relation_size('{}')))) REPEATABLE (1)
         WHERE {column} IS NOT NULL ORDER BY md5({column}::text) LIMIT {POOL}",
        table.replace('\'', "''")
    );
    let first = format!("SELECT {value} FROM {table} WHERE {column} IS NOT NULL LIMIT {POOL}");
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
        match self.source.picked(self.number, &mut Scratch::default()) {
            Picked::Raw(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            Picked::Made(value) => value.to_sql(ty, out),
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
