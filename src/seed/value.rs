//! A made value, before it is encoded for the type of a column or a parameter.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type};

use super::encode::Encoding;

/// One value of one cell. Texts point into word tables or into the scratch they were made in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// `unscaled / 10^scale`.
    Decimal {
        unscaled: i64,
        scale: u8,
    },
    Text(&'a str),
    Uuid(u128),
    /// Microseconds since 1970, UTC.
    TimestampUs(i64),
    /// A JSON document as text.
    Json(&'a str),
}

/// Sends a value as a query's parameter, in whatever type the server expects there.
impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if *self == Value::Null {
            return Ok(IsNull::Yes);
        }
        let encoding = Encoding::of(ty).ok_or_else(|| format!("no encoding for type {ty}"))?;
        encoding.put(*self, out)?;
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        Encoding::of(ty).is_some()
    }

    tokio_postgres::types::to_sql_checked!();
}

/// All that a generator's values have in common: what decides whether they fit a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    Float,
    Decimal {
        min: i64,
        max: i64,
        scale: u8,
    },
    /// At most so many characters.
    Text {
        chars: usize,
    },
    /// One of these texts.
    Label(Vec<String>),
    Uuid,
    Timestamp,
    Json,
}

/// Where generators put texts that they compose. One per value that must live at the same time.
#[derive(Debug, Default)]
pub struct Scratch {
    text: String,
    inner: Option<Box<Scratch>>,
}

impl Scratch {
    /// An empty text to write to.
    pub fn text(&mut self) -> &mut String {
        self.text.clear();
        &mut self.text
    }

    /// An empty text and a scratch for the values that go into it.
    pub fn nested(&mut self) -> (&mut String, &mut Scratch) {
        self.text.clear();
        (&mut self.text, self.inner.get_or_insert_default())
    }
}
