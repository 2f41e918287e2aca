//! Postgres's binary encoding of values, as COPY BINARY and query parameters want it.

use std::fmt;
use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{Kind, Type};

use super::value::{Shape, Value};

/// From 1970 to 2000, where Postgres counts from.
const EPOCH_US: i64 = 946_684_800_000_000;
const DAY_US: i64 = 86_400_000_000;

/// How values of one type travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    /// text, varchar, char, name, and the labels of enums.
    Text,
    Uuid,
    Date,
    /// With and without time zone: both are microseconds.
    Timestamp,
    Json,
    Jsonb,
    Bytea,
    Inet,
}

/// A value that a type cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("{value} does not fit a column of type {encoding}")]
pub struct Misfit {
    value: String,
    encoding: Encoding,
}

impl Encoding {
    /// The encoding of a type; `None` for one that no generator has values for.
    pub fn of(ty: &Type) -> Option<Encoding> {
        match ty.kind() {
            Kind::Enum(_) => return Some(Encoding::Text),
            Kind::Domain(of) => return Encoding::of(of),
            _ => {}
        }
        Some(match *ty {
            Type::BOOL => Encoding::Bool,
            Type::INT2 => Encoding::Int2,
            Type::INT4 => Encoding::Int4,
            Type::INT8 => Encoding::Int8,
            Type::FLOAT4 => Encoding::Float4,
            Type::FLOAT8 => Encoding::Float8,
            Type::NUMERIC => Encoding::Numeric,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Encoding::Text,
            Type::UUID => Encoding::Uuid,
            Type::DATE => Encoding::Date,
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Encoding::Timestamp,
            Type::JSON => Encoding::Json,
            Type::JSONB => Encoding::Jsonb,
            Type::BYTEA => Encoding::Bytea,
            Type::INET => Encoding::Inet,
            // citext and its like travel as text, and have no constant.
            _ if ty.name() == "citext" => Encoding::Text,
            _ => return None,
        })
    }

    /// Whether values of this shape can be encoded at all, whatever the column's own limits.
    pub fn takes(self, shape: &Shape) -> bool {
        match (self, shape) {
            (Encoding::Bool, Shape::Bool) => true,
            (Encoding::Int2, Shape::Int { min, max }) => {
                i16::try_from(*min).is_ok() && i16::try_from(*max).is_ok()
            }
            (Encoding::Int4, Shape::Int { min, max }) => {
                i32::try_from(*min).is_ok() && i32::try_from(*max).is_ok()
            }
            (Encoding::Int8, Shape::Int { .. }) => true,
            (Encoding::Float4 | Encoding::Float8, shape) => {
                matches!(
                    shape,
                    Shape::Int { .. } | Shape::Float | Shape::Decimal { .. }
                )
            }
            (Encoding::Numeric, shape) => {
                matches!(shape, Shape::Int { .. } | Shape::Decimal { .. })
            }
            (Encoding::Text, shape) => matches!(
                shape,
                Shape::Text { .. } | Shape::Label(_) | Shape::Int { .. } | Shape::Uuid
            ),
            (Encoding::Uuid, Shape::Uuid) => true,
            (Encoding::Date | Encoding::Timestamp, Shape::Timestamp) => true,
            (Encoding::Json | Encoding::Jsonb, Shape::Json) => true,
            (Encoding::Bytea, shape) => matches!(shape, Shape::Text { .. } | Shape::Label(_)),
            (Encoding::Inet, Shape::Label(labels)) => {
                labels.iter().all(|label| label.parse::<IpAddr>().is_ok())
            }
            _ => false,
        }
    }

    /// Appends a value, without the length before it.
    pub fn put(self, value: Value<'_>, out: &mut BytesMut) -> Result<(), Misfit> {
        match (self, value) {
            (Encoding::Bool, Value::Bool(bool)) => out.put_u8(bool.into()),
            (Encoding::Int2, Value::Int(int)) => {
                out.put_i16(i16::try_from(int).map_err(|_| self.misfit(value))?);
            }
            (Encoding::Int4, Value::Int(int)) => {
                out.put_i32(i32::try_from(int).map_err(|_| self.misfit(value))?);
            }
            (Encoding::Int8, Value::Int(int)) => out.put_i64(int),
            (Encoding::Float4, value) => out.put_f32(self.float(value)? as f32),
            (Encoding::Float8, value) => out.put_f64(self.float(value)?),
            (Encoding::Numeric, Value::Int(int)) => put_numeric(int, 0, out),
            (Encoding::Numeric, Value::Decimal { unscaled, scale }) => {
                put_numeric(unscaled, scale, out);
            }
            (Encoding::Text | Encoding::Bytea, Value::Text(text)) => out.put_slice(text.as_bytes()),
            (Encoding::Text, Value::Int(int)) => put_text(int, out),
            (Encoding::Text, Value::Uuid(uuid)) => put_text(Hyphenated(uuid), out),
            (Encoding::Uuid, Value::Uuid(uuid)) => out.put_u128(uuid),
            (Encoding::Timestamp, Value::TimestampUs(us)) => out.put_i64(us - EPOCH_US),
            (Encoding::Date, Value::TimestampUs(us)) => {
                let days = (us - EPOCH_US).div_euclid(DAY_US);
                out.put_i32(i32::try_from(days).map_err(|_| self.misfit(value))?);
            }
            (Encoding::Json, Value::Json(text)) => out.put_slice(text.as_bytes()),
            (Encoding::Jsonb, Value::Json(text)) => {
                out.put_u8(1);
                out.put_slice(text.as_bytes());
            }
            (Encoding::Inet, Value::Text(text)) => {
                put_inet(text.parse().map_err(|_| self.misfit(value))?, out);
            }
            _ => return Err(self.misfit(value)),
        }
        Ok(())
    }

    fn float(self, value: Value<'_>) -> Result<f64, Misfit> {
        match value {
            Value::Float(float) => Ok(float),
            Value::Int(int) => Ok(int as f64),
            Value::Decimal { unscaled, scale } => Ok(unscaled as f64 / 10f64.powi(scale.into())),
            _ => Err(self.misfit(value)),
        }
    }

    fn misfit(self, value: Value<'_>) -> Misfit {
        Misfit {
            value: format!("{value:?}"),
            encoding: self,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", format!("{self:?}").to_lowercase())
    }
}

/// A UUID as people write it: 8-4-4-4-12 hexadecimal digits.
pub struct Hyphenated(pub u128);

impl fmt::Display for Hyphenated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hyphenated(uuid) = *self;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            uuid >> 96,
            uuid >> 80 & 0xffff,
            uuid >> 64 & 0xffff,
            uuid >> 48 & 0xffff,
            uuid & 0xffff_ffff_ffff
        )
    }
}

fn put_text(text: impl fmt::Display, out: &mut BytesMut) {
    fmt::Write::write_fmt(out, format_args!("{text}")).expect("a BytesMut grows as needed");
}

/// Source: `numeric_send` of PostgreSQL: groups of four decimal digits, `weight` of the first as
/// a power of 10 000, and the number of digits after the point.
fn put_numeric(unscaled: i64, scale: u8, out: &mut BytesMut) {
    // The digits after the point fill whole groups, so the number is first padded to them.
    let padding = (4 - scale % 4) % 4;
    let mut rest = u128::from(unscaled.unsigned_abs()) * 10u128.pow(padding.into());
    let mut groups = [0i16; 12];
    let mut len = 0;
    while rest > 0 {
        groups[len] = (rest % 10_000) as i16;
        rest /= 10_000;
        len += 1;
    }
    let groups_after_point = i16::from(scale.div_ceil(4));
    // Groups of zeros at the end are not sent.
    let zeros = groups[..len]
        .iter()
        .take_while(|group| **group == 0)
        .count();
    out.put_i16((len - zeros) as i16);
    out.put_i16(len as i16 - 1 - groups_after_point);
    out.put_u16(if unscaled < 0 { 0x4000 } else { 0 });
    out.put_u16(scale.into());
    for group in groups[zeros..len].iter().rev() {
        out.put_i16(*group);
    }
}

/// Source: `network_send` of PostgreSQL: family, bits of the mask, is it a cidr, length, address.
fn put_inet(address: IpAddr, out: &mut BytesMut) {
    match address {
        IpAddr::V4(v4) => {
            out.put_slice(&[2, 32, 0, 4]);
            out.put_slice(&v4.octets());
        }
        IpAddr::V6(v6) => {
            out.put_slice(&[3, 128, 0, 16]);
            out.put_slice(&v6.octets());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: Encoding, value: Value<'_>, expected: &[u8]) {
        let mut out = BytesMut::new();
        encoding.put(value, &mut out).unwrap();
        assert_eq!(&out[..], expected, "{value:?} as {encoding}");
    }

    fn numeric(unscaled: i64, scale: u8) -> Vec<i16> {
        let mut out = BytesMut::new();
        put_numeric(unscaled, scale, &mut out);
        out.chunks(2)
            .map(|pair| i16::from_be_bytes([pair[0], pair[1]]))
            .collect()
    }

    #[test]
    fn numerics_are_sent_in_groups_of_four_digits() {
        // number of groups, weight, sign, digits after the point, groups
        assert_eq!(numeric(1_234_567, 2), [3, 1, 0, 2, 1, 2345, 6700]);
        assert_eq!(numeric(-5, 1), [1, -1, 0x4000, 1, 5000]);
        assert_eq!(numeric(20_000, 0), [1, 1, 0, 0, 2]);
        assert_eq!(numeric(5, 6), [1, -2, 0, 6, 500]);
        assert_eq!(numeric(0, 2)[0], 0);
    }

    #[test]
    fn times_count_from_the_year_2000() {
        let new_year = EPOCH_US + 2 * DAY_US;
        check(Encoding::Date, Value::TimestampUs(new_year), &[0, 0, 0, 2]);
        check(
            Encoding::Date,
            Value::TimestampUs(EPOCH_US - 1),
            &(-1i32).to_be_bytes(),
        );
        check(
            Encoding::Timestamp,
            Value::TimestampUs(EPOCH_US + 1),
            &1i64.to_be_bytes(),
        );
    }

    #[test]
    fn a_number_too_large_for_its_column_is_a_misfit_and_is_foreseen() {
        let value = Value::Int(70_000);
        assert!(Encoding::Int2.put(value, &mut BytesMut::new()).is_err());
        assert!(!Encoding::Int2.takes(&Shape::Int {
            min: 0,
            max: 70_000
        }));
        assert!(Encoding::Int4.takes(&Shape::Int {
            min: 0,
            max: 70_000
        }));
        assert!(!Encoding::Uuid.takes(&Shape::Bool));
    }

    #[test]
    fn a_uuid_is_written_as_people_write_it() {
        assert_eq!(
            Hyphenated(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd).to_string(),
            "01234567-89ab-4cde-8f01-23456789abcd"
        );
    }
}
