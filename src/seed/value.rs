//! A made value, before it is encoded for the type of a column or a parameter.

pub mod text;
mod shape;

use std::error::Error;
use std::net::IpAddr;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type};

use super::cells::Cells;
use super::encode::Encoding;

pub use shape::Shape;

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
    /// Microseconds since midnight.
    TimeUs(i64),
    IntervalUs(i64),
    Bytes(&'a [u8]),
    /// The first `len` bits, the highest of each byte first.
    Bits {
        bytes: &'a [u8],
        len: usize,
    },
    /// A machine's address, or with fewer `bits` than it has a network's.
    Ip {
        address: IpAddr,
        bits: u8,
    },
    /// 48 bits.
    Mac(u64),
    Point {
        x: f64,
        y: f64,
    },
    /// Different words with a blank between two.
    Lexemes(&'a str),
    /// Keys and values in turn, with a tab between two.
    Pairs(&'a str),
    /// A JSON document as text.
    Json(&'a str),
    /// An array, a range or a record as the server's input functions read it.
    Composed(&'a str),
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
        let mut cells = Cells::default();
        encoding.put(*self, &mut cells)?;
        out.extend_from_slice(cells.as_slice());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        Encoding::of(ty).is_some()
    }

    tokio_postgres::types::to_sql_checked!();
}

/// Where generators put what they compose. One per value that must live at the same time.
#[derive(Debug, Default)]
pub struct Scratch {
    text: String,
    bytes: Vec<u8>,
    cells: Cells,
    inner: Option<Box<Scratch>>,
}

impl Scratch {
    /// An empty text to write to.
    pub fn text(&mut self) -> &mut String {
        self.text.clear();
        &mut self.text
    }

    /// No bytes, to add some.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        self.bytes.clear();
        &mut self.bytes
    }

    /// No pieces of a text, to add some.
    pub fn cells(&mut self) -> &mut Cells {
        self.cells.clear();
        &mut self.cells
    }

    /// No pieces of a text, and a scratch for the values that go into it.
    pub fn nested(&mut self) -> (&mut Cells, &mut Scratch) {
        self.cells.clear();
        (&mut self.cells, self.inner.get_or_insert_default())
    }
}
