//! Postgres's binary encoding of values, as COPY BINARY and query parameters want it.

mod scalars;
mod fits;
mod convert;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tokio_postgres::types::{Field, Kind, Type};

use super::cells::Cells;
use super::value::{Value, text};

pub use convert::{Conversions, to_convert};

/// How values of one type travel. The source of each is the type's send function in PostgreSQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoding {
    Bool,
    /// `charsend`: one byte.
    Char,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    /// `cash_send`: hundredths, as in most locales.
    Money,
    /// text, varchar, char, name, xml, citext, and the labels of enums.
    Text,
    Uuid,
    Date,
    Time,
    TimeTz,
    /// With and without time zone: both are microseconds.
    Timestamp,
    Interval,
    Json,
    Jsonb,
    Bytea,
    /// bit and varbit.
    Bit,
    Inet,
    Cidr,
    Mac,
    Mac8,
    /// `ltree_send`, `jsonpath_send` and their like: a version, 1, before the text.
    Versioned,
    TsVector,
    Hstore,
    Geometric(Geometry),
    Array {
        element_oid: u32,
        element: Box<Encoding>,
    },
    Range(Box<Encoding>),
    Multirange(Box<Encoding>),
    /// In the order of the type: oid and encoding of each field, by name.
    Record(Vec<(String, u32, Encoding)>),
    /// Texts that the server has read as the type; all else goes the other way.
    Converted {
        by_text: Arc<HashMap<String, Vec<u8>>>,
        otherwise: Box<Encoding>,
    },
    /// A type, by name, whose values only the server can read.
    Opaque(String),
}

/// The geometric types: `point_send`, `line_send`, `lseg_send`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geometry {
    Point,
    Line,
    Segment,
    Box,
    Path,
    Polygon,
    Circle,
}

/// A value that a type cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("{value} does not fit a column of type {encoding}")]
pub struct Misfit {
    value: String,
    encoding: String,
}

impl Encoding {
    /// The encoding of a type; `None` for one that is no column's.
    pub fn of(ty: &Type) -> Option<Encoding> {
        let boxed = |ty: &Type| Encoding::of(ty).map(Box::new);
        Some(match ty.kind() {
            Kind::Enum(_) => Encoding::Text,
            Kind::Domain(of) => Encoding::of(of)?,
            Kind::Array(element) => Encoding::Array {
                element_oid: element.oid(),
                element: boxed(element)?,
            },
            Kind::Range(of) => Encoding::Range(boxed(of)?),
            Kind::Multirange(of) => Encoding::Multirange(boxed(of)?),
            Kind::Composite(fields) => {
                let field = |field: &Field| {
                    let encoding = Encoding::of(field.type_())?;
                    Some((field.name().to_owned(), field.type_().oid(), encoding))
                };
                Encoding::Record(fields.iter().map(field).collect::<Option<_>>()?)
            }
            Kind::Pseudo => return None,
            _ => Encoding::of_simple(ty),
        })
    }

    fn of_simple(ty: &Type) -> Encoding {
        match *ty {
            Type::BOOL => Encoding::Bool,
            Type::CHAR => Encoding::Char,
            Type::INT2 => Encoding::Int2,
            Type::INT4 => Encoding::Int4,
            Type::INT8 => Encoding::Int8,
            Type::OID => Encoding::Oid,
            Type::FLOAT4 => Encoding::Float4,
            Type::FLOAT8 => Encoding::Float8,
            Type::NUMERIC => Encoding::Numeric,
            Type::MONEY => Encoding::Money,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::XML => Encoding::Text,
            Type::UUID => Encoding::Uuid,
            Type::DATE => Encoding::Date,
            Type::TIME => Encoding::Time,
            Type::TIMETZ => Encoding::TimeTz,
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Encoding::Timestamp,
            Type::INTERVAL => Encoding::Interval,
            Type::JSON => Encoding::Json,
            Type::JSONB => Encoding::Jsonb,
            Type::BYTEA => Encoding::Bytea,
            Type::BIT | Type::VARBIT => Encoding::Bit,
            Type::INET => Encoding::Inet,
            Type::CIDR => Encoding::Cidr,
            Type::MACADDR => Encoding::Mac,
            Type::MACADDR8 => Encoding::Mac8,
            Type::JSONPATH => Encoding::Versioned,
            Type::TS_VECTOR => Encoding::TsVector,
            Type::POINT => Encoding::Geometric(Geometry::Point),
            Type::LINE => Encoding::Geometric(Geometry::Line),
            Type::LSEG => Encoding::Geometric(Geometry::Segment),
            Type::BOX => Encoding::Geometric(Geometry::Box),
            Type::PATH => Encoding::Geometric(Geometry::Path),
            Type::POLYGON => Encoding::Geometric(Geometry::Polygon),
            Type::CIRCLE => Encoding::Geometric(Geometry::Circle),
            // The types of extensions have no number that is known beforehand.
            _ => match ty.name() {
                "citext" => Encoding::Text,
                "ltree" | "lquery" | "ltxtquery" => Encoding::Versioned,
                "hstore" => Encoding::Hstore,
                name => Encoding::Opaque(name.to_owned()),
            },
        }
    }

    /// The encoding of values that are made of others, whatever texts the server has read, too.
    pub fn composed(&self) -> &Encoding {
        match self {
            Encoding::Converted { otherwise, .. } => otherwise,
            one => one,
        }
    }

    /// Appends a value with its length before it, or the mark of NULL: a cell of COPY BINARY, an
    /// element of an array, a bound of a range.
    #[inline]
    pub fn put_cell(&self, value: Value<'_>, out: &mut Cells) -> Result<(), Misfit> {
        match (self, value) {
            (_, Value::Null) => out.put_i32(-1),
            (Encoding::Int8, Value::Int(int)) => {
                out.put_i32(8);
                out.put_i64(int);
            }
            (Encoding::Int4, Value::Int(int)) if let Ok(int) = i32::try_from(int) => {
                out.put_i32(4);
                out.put_i32(int);
            }
            (Encoding::Timestamp, Value::TimestampUs(us)) if us >= scalars::EPOCH_US => {
                out.put_i32(8);
                out.put_i64(us - scalars::EPOCH_US);
            }
            (Encoding::Bool, Value::Bool(bool)) => {
                out.put_i32(1);
                out.put_u8(bool.into());
            }
            (Encoding::Uuid, Value::Uuid(uuid)) => {
                out.put_i32(16);
                out.put_u128(uuid);
            }
            (Encoding::Text | Encoding::Json, Value::Text(text) | Value::Json(text)) => {
                out.put_i32(text.len() as i32);
                out.push_str(text);
            }
            _ => return out.put_measured(|out| self.put(value, out)),
        }
        Ok(())
    }

    /// Appends a value, without the length before it.
    pub fn put(&self, value: Value<'_>, out: &mut Cells) -> Result<(), Misfit> {
        match self {
            Encoding::Text => text::write(value, out),
            Encoding::Converted { by_text, otherwise } => {
                let converted = match value {
                    Value::Text(text) => by_text.get(text),
                    _ => None,
                };
                match converted {
                    Some(bytes) => out.put_slice(bytes),
                    None => return otherwise.put(value, out),
                }
            }
            // A range of dates in a column of several ranges.
            Encoding::Multirange(range) => {
                out.put_i32(1);
                return Encoding::Range(range.clone()).put_cell(value, out);
            }
            _ if scalars::put(self, value, out).is_some() => {}
            _ => return Err(self.misfit(value)),
        }
        Ok(())
    }

    pub(super) fn misfit(&self, value: Value<'_>) -> Misfit {
        Misfit {
            value: format!("{value:?}"),
            encoding: self.to_string(),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Encoding::Array { element, .. } => write!(f, "{element}[]"),
            Encoding::Range(of) => write!(f, "range of {of}"),
            Encoding::Multirange(of) => write!(f, "multirange of {of}"),
            Encoding::Record(_) => f.write_str("record"),
            Encoding::Converted { otherwise, .. } => write!(f, "{otherwise}"),
            Encoding::Opaque(name) => f.write_str(name),
            Encoding::Geometric(geometry) => f.write_str(&format!("{geometry:?}").to_lowercase()),
            plain => f.write_str(&format!("{plain:?}").to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests;
