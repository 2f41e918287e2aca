//! Values that are not made of others.

use std::net::IpAddr;

use super::{Encoding, Geometry};
use crate::seed::cells::Cells;
use crate::seed::digits::DAY_US;
use crate::seed::value::Value;

/// From 1970 to 2000, where Postgres counts from.
pub(super) const EPOCH_US: i64 = 946_684_800_000_000;

/// Appends a value; `None` if the type does not hold it.
pub(super) fn put(encoding: &Encoding, value: Value<'_>, out: &mut Cells) -> Option<()> {
    match (encoding, value) {
        (Encoding::Bool, Value::Bool(bool)) => out.put_u8(bool.into()),
        (Encoding::Char, Value::Text(text)) => out.put_u8(*text.as_bytes().first()?),
        (Encoding::Int2, Value::Int(int)) => out.put_i16(int.try_into().ok()?),
        (Encoding::Int4, Value::Int(int)) => out.put_i32(int.try_into().ok()?),
        (Encoding::Int8, Value::Int(int)) => out.put_i64(int),
        (Encoding::Oid, Value::Int(int)) => out.put_u32(int.try_into().ok()?),
        (Encoding::Float4, value) => out.put_f32(float(value)? as f32),
        (Encoding::Float8, value) => out.put_f64(float(value)?),
        (Encoding::Numeric, Value::Int(int)) => put_numeric(int, 0, out),
        (Encoding::Numeric, Value::Decimal { unscaled, scale }) => {
            put_numeric(unscaled, scale, out);
        }
        (Encoding::Numeric, Value::Float(float)) => {
            put_numeric((float * 1e6).round() as i64, 6, out);
        }
        (Encoding::Money, Value::Int(int)) => out.put_i64(int.checked_mul(100)?),
        (Encoding::Money, value) => out.put_i64((float(value)? * 100.0).round() as i64),
        (Encoding::Uuid, Value::Uuid(uuid)) => out.put_u128(uuid),
        (Encoding::Json, Value::Json(text)) => out.put_slice(text.as_bytes()),
        (Encoding::Jsonb, Value::Json(text)) => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        (Encoding::Bytea, Value::Bytes(bytes)) => out.put_slice(bytes),
        (Encoding::Bytea, Value::Text(text)) => out.put_slice(text.as_bytes()),
        (Encoding::Versioned, Value::Text(text)) => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        // `varbit_send`: the number of bits, then whole bytes.
        (Encoding::Bit, Value::Bits { bytes, len }) => {
            out.put_i32(len as i32);
            out.put_slice(&bytes[..len.div_ceil(8)]);
        }
        (Encoding::Geometric(geometry), Value::Point { x, y }) => {
            put_geometry(*geometry, x, y, out);
        }
        (Encoding::TsVector, Value::Lexemes(words)) => put_lexemes(words, out),
        (Encoding::Hstore, Value::Pairs(pairs)) => put_pairs(pairs, out),
        (Encoding::Inet | Encoding::Cidr | Encoding::Mac | Encoding::Mac8, value) => {
            return put_address(encoding, value, out);
        }
        _ => return put_time(encoding, value, out),
    }
    Some(())
}

fn put_time(encoding: &Encoding, value: Value<'_>, out: &mut Cells) -> Option<()> {
    match (encoding, value) {
        (Encoding::Timestamp, Value::TimestampUs(us)) => out.put_i64(us.checked_sub(EPOCH_US)?),
        (Encoding::Date, Value::TimestampUs(us)) => {
            let days = us.checked_sub(EPOCH_US)?.div_euclid(DAY_US);
            out.put_i32(i32::try_from(days).ok()?);
        }
        (Encoding::Time, Value::TimeUs(us)) => out.put_i64(us),
        (Encoding::Time, Value::TimestampUs(us)) => out.put_i64(us.rem_euclid(DAY_US)),
        // `timetz_send`: seconds west of Greenwich come after the time.
        (Encoding::TimeTz, Value::TimeUs(us) | Value::TimestampUs(us)) => {
            out.put_i64(us.rem_euclid(DAY_US));
            out.put_i32(0);
        }
        // `interval_send`: microseconds, days, months.
        (Encoding::Interval, Value::IntervalUs(us)) => {
            out.put_i64(us);
            out.put_i32(0);
            out.put_i32(0);
        }
        _ => return None,
    }
    Some(())
}

fn float(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Float(float) => Some(float),
        Value::Int(int) => Some(int as f64),
        Value::Decimal { unscaled, scale } => Some(unscaled as f64 / 10f64.powi(scale.into())),
        _ => None,
    }
}

/// Source: `numeric_send` of PostgreSQL: groups of four decimal digits, `weight` of the first as
/// a power of 10 000, and the number of digits after the point.
pub(super) fn put_numeric(unscaled: i64, scale: u8, out: &mut Cells) {
    // The digits after the point fill whole groups, so the number is first padded to them.
    let padding = [1, 1_000, 100, 10][usize::from(scale % 4)];
    let mut groups = [0u16; 12];
    let mut len = 0;
    match unscaled.unsigned_abs().checked_mul(padding) {
        Some(mut rest) => {
            while rest > 0 {
                groups[len] = (rest % 10_000) as u16;
                rest /= 10_000;
                len += 1;
            }
        }
        None => {
            let mut rest = u128::from(unscaled.unsigned_abs()) * u128::from(padding);
            while rest > 0 {
                groups[len] = (rest % 10_000) as u16;
                rest /= 10_000;
                len += 1;
            }
        }
    }
    let groups_after_point = i16::from(scale.div_ceil(4));
    // Groups of zeros at the end are not sent.
    let zeros = groups[..len].iter().take_while(|group| **group == 0);
    let zeros = zeros.count();
    out.put_i16((len - zeros) as i16);
    out.put_i16(len as i16 - 1 - groups_after_point);
    out.put_u16(if unscaled < 0 { 0x4000 } else { 0 });
    out.put_u16(scale.into());
    for group in groups[zeros..len].iter().rev() {
        out.put_u16(*group);
    }
}

/// Sources: `network_send`: family, bits of the mask, is it a cidr, length, address;
/// `macaddr_send` and `macaddr8_send`, which has two bytes more in the middle.
fn put_address(encoding: &Encoding, value: Value<'_>, out: &mut Cells) -> Option<()> {
    match (encoding, value) {
        (Encoding::Inet | Encoding::Cidr, Value::Ip { address, bits }) => {
            put_ip(address, bits, *encoding == Encoding::Cidr, out);
        }
        (Encoding::Inet | Encoding::Cidr, Value::Text(text)) => {
            let address: IpAddr = text.parse().ok()?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            put_ip(address, bits, *encoding == Encoding::Cidr, out);
        }
        (Encoding::Mac, Value::Mac(mac)) => out.put_slice(&mac.to_be_bytes()[2..]),
        (Encoding::Mac8, Value::Mac(mac)) => {
            let bytes = mac.to_be_bytes();
            out.put_slice(&bytes[2..5]);
            out.put_slice(&[0xff, 0xfe]);
            out.put_slice(&bytes[5..]);
        }
        _ => return None,
    }
    Some(())
}

fn put_ip(address: IpAddr, bits: u8, is_cidr: bool, out: &mut Cells) {
    match address {
        IpAddr::V4(v4) => {
            out.put_slice(&[2, bits, is_cidr.into(), 4]);
            out.put_slice(&v4.octets());
        }
        IpAddr::V6(v6) => {
            out.put_slice(&[3, bits, is_cidr.into(), 16]);
            out.put_slice(&v6.octets());
        }
    }
}

/// A shape of size 1 at a point. Sources: `point_send`, `line_send` (Ax + By + C = 0), `lseg_send`,
/// `box_send` (upper right corner first), `path_send`, `poly_send`, `circle_send`.
fn put_geometry(geometry: Geometry, x: f64, y: f64, out: &mut Cells) {
    let numbers: &[f64] = match geometry {
        Geometry::Point => &[x, y],
        Geometry::Line => &[1.0, -1.0, y - x],
        Geometry::Segment => &[x, y, x + 1.0, y + 1.0],
        Geometry::Box => &[x + 1.0, y + 1.0, x, y],
        Geometry::Circle => &[x, y, 1.0],
        Geometry::Path | Geometry::Polygon => &[x, y, x + 1.0, y, x, y + 1.0],
    };
    if geometry == Geometry::Path {
        // It is closed.
        out.put_u8(1);
    }
    if [Geometry::Path, Geometry::Polygon].contains(&geometry) {
        out.put_i32(3);
    }
    for number in numbers {
        out.put_f64(*number);
    }
}

/// Source: `tsvectorsend`: the number of lexemes; each with a zero at its end, the number of its
/// positions and these. They are sorted by the server.
fn put_lexemes(words: &str, out: &mut Cells) {
    let count = words.split_terminator(' ').count();
    out.put_i32(count as i32);
    for (at, word) in words.split_terminator(' ').enumerate() {
        out.put_slice(word.as_bytes());
        out.put_u8(0);
        out.put_u16(1);
        // A position has 14 bits, its weight the other two.
        out.put_u16((at + 1).min(16_383) as u16);
    }
}

/// Source: `hstore_send`: the number of pairs; keys and values with their lengths.
fn put_pairs(pairs: &str, out: &mut Cells) {
    let parts = || pairs.split_terminator('\t');
    out.put_i32((parts().count() / 2) as i32);
    for part in parts() {
        out.put_i32(part.len() as i32);
        out.put_slice(part.as_bytes());
    }
}
