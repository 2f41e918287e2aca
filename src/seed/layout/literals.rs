//! Texts of generators that only the server can read as values: it reads each of them once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error as StdError;
use std::sync::Arc;

use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, Type};

use super::{Built, InCatalogue};
use crate::postgres::catalogue;
use crate::postgres::failure;
use crate::seed::Error;
use crate::seed::encode::{Conversions, to_convert};

/// What the server makes of the texts of a table's generators, and those it refuses, with their columns.
pub(super) async fn read(
    client: &Client,
    columns: &[InCatalogue],
    generators: &Built,
) -> Result<(Conversions, Vec<(String, String)>), Error> {
    let mut texts: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    let mut askers: HashMap<u32, &str> = HashMap::new();
    for column in columns {
        let Some(Ok(generator)) = generators.get(&column.name) else {
            continue;
        };
        let mut own = BTreeMap::new();
        to_convert(&column.ty, &generator.shape(), &mut own);
        for (oid, more) in own {
            texts.entry(oid).or_default().extend(more);
            askers.entry(oid).or_insert(&column.name);
        }
    }
    let mut conversions = Conversions::new();
    let mut refused = Vec::new();
    for (oid, texts) in texts {
        let texts: Vec<String> = texts.into_iter().collect();
        match converted(client, oid, &texts).await {
            Ok(values) => {
                let by_text: HashMap<_, _> = texts.into_iter().zip(values).collect();
                conversions.insert(oid, Arc::new(by_text));
            }
            Err(error) if error.as_db_error().is_some() => {
                refused.push((askers[&oid].to_owned(), failure::in_words(&error)));
            }
            Err(error) => return Err(Error::doing("while reading literals")(error)),
        }
    }
    Ok((conversions, refused))
}

async fn converted(
    client: &Client,
    oid: u32,
    texts: &[String],
) -> Result<Vec<Vec<u8>>, tokio_postgres::Error> {
    let name = client.query_one(catalogue::TYPE_NAME, &[&oid]).await?;
    let name: String = name.get(0);
    let sql = format!(
        "SELECT text::{name} FROM unnest($1::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n"
    );
    let rows = client.query(&sql, &[&texts]).await?;
    Ok(rows.iter().map(|row| row.get::<_, Raw>(0).0).collect())
}

/// A value as it came.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Raw, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
