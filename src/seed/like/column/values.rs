//! Made values of a type, as many different ones as asked for, as wide as they were.

use std::collections::BTreeMap;

use super::super::fit;
use super::Seen;
use crate::seed::generators::GeneratorSpec;
use crate::seed::generators::array::Array;
use crate::seed::generators::bytes::Bytes;
use crate::seed::generators::float::Float;
use crate::seed::generators::int::Int;
use crate::seed::generators::json::Json;
use crate::seed::generators::label::Label;
use crate::seed::generators::network::{Ip, Mac, Network};
use crate::seed::generators::sequence::Sequence;
use crate::seed::generators::steps::Steps;
use crate::seed::generators::time::{Interval, Time};
use crate::seed::generators::timestamp::Timestamp;
use crate::seed::generators::uuid::Uuid;
use crate::seed::structure::{ColumnType, TypeKind};

/// A day in microseconds.
const DAY_US: i64 = 86_400_000_000;
/// 2020-01-01 and seven years: when things happened is not told.
const FROM_US: i64 = 1_577_836_800_000_000;
const SPAN_DAYS: i64 = 7 * 365;
/// Texts of so many bytes around a value in jsonb: header of the container, two entries, the key `data`.
const JSONB_AROUND: i32 = 4 + 8 + 4;
/// `{"data": ""}`
const JSON_AROUND: i32 = 12;
/// The header of an array of one dimension, less its length word.
const ARRAY_AROUND: i32 = 20;

/// `size` different values, or so, of a type by its name in the catalogue.
pub(super) fn base(name: &str, modifier: i32, seen: &Seen<'_>, size: u64) -> Option<GeneratorSpec> {
    let most = |limit: i64| {
        (size <= limit.unsigned_abs()).then(|| GeneratorSpec::Sequence(Sequence::default()))
    };
    Some(match name {
        "int2" => most(i16::MAX.into())?,
        "int4" => most(i32::MAX.into())?,
        "int8" => most(i64::MAX)?,
        "numeric" => numeric(modifier, seen, size)?,
        "float4" | "float8" => GeneratorSpec::Float(Float {
            min: 0.0,
            max: 1_000_000.0,
        }),
        "text" | "varchar" | "bpchar" | "citext" => text(name, modifier, seen, size),
        "uuid" => GeneratorSpec::Uuid(Uuid {}),
        "date" => moments(seen, size, DAY_US),
        "timestamp" | "timestamptz" => moments(seen, size, 1),
        "time" | "timetz" => GeneratorSpec::Time(Time {}),
        "interval" => GeneratorSpec::Interval(Interval {
            min_s: 0,
            max_s: 30 * 86_400,
        }),
        "jsonb" => json(seen, JSONB_AROUND, size),
        "json" => json(seen, JSON_AROUND, size),
        "bytea" => {
            let (min, max) = fit::lengths(seen.shape.width, 0, is_spread(seen, size));
            GeneratorSpec::Bytes(Bytes { min, max })
        }
        "inet" => GeneratorSpec::Ip(Ip {}),
        "cidr" => GeneratorSpec::Network(Network {}),
        "macaddr" | "macaddr8" => GeneratorSpec::Mac(Mac {}),
        _ => return None,
    })
}

/// Whether lengths may differ: where few values are common, the width is theirs.
fn is_spread(seen: &Seen<'_>, size: u64) -> bool {
    seen.common.is_empty() && size >= 1_000
}

fn text(name: &str, modifier: i32, seen: &Seen<'_>, size: u64) -> GeneratorSpec {
    let limit = usize::try_from(modifier - 4).ok();
    let (mut min, mut max) = fit::lengths(seen.shape.width, 0, is_spread(seen, size));
    if let Some(limit) = limit {
        if name == "bpchar" {
            (min, max) = (limit, limit);
        }
        if max > limit {
            min = (min + max - limit).min(limit);
            max = limit;
        }
    }
    GeneratorSpec::Label(Label { min, max })
}

fn json(seen: &Seen<'_>, around: i32, size: u64) -> GeneratorSpec {
    let (min, max) = fit::lengths(seen.shape.width, around, is_spread(seen, size));
    let data = GeneratorSpec::Label(Label { min, max });
    GeneratorSpec::Json(Json(BTreeMap::from([("data".to_owned(), data)])))
}

fn numeric(modifier: i32, seen: &Seen<'_>, size: u64) -> Option<GeneratorSpec> {
    // As `numeric_typmod_precision` and `_scale`; none is any number.
    let (precision, scale) = match u32::try_from(modifier - 4) {
        Ok(modifier) => (modifier >> 16, modifier & 0x7ff),
        Err(_) => (18, 2),
    };
    let scale = u8::try_from(scale).ok().filter(|scale| *scale <= 12)?;
    let (start, step) = fit::steps(seen.shape.width, size, scale, precision)?;
    Some(GeneratorSpec::Steps(Steps { start, step, scale }))
}

/// Moments that are `apart` at least, in the order of the rows or of the pool where that has an order.
fn moments(seen: &Seen<'_>, size: u64, apart: i64) -> GeneratorSpec {
    let days = match apart {
        DAY_US => i64::try_from(size).unwrap_or(SPAN_DAYS).clamp(1, 1_000_000),
        _ => SPAN_DAYS,
    };
    let moment =
        |us: i64| jiff::Timestamp::from_microsecond(us).expect("it is within a few thousand years");
    let (from_us, span_us) = (FROM_US, days * DAY_US);
    GeneratorSpec::Timestamp(Timestamp {
        from: moment(from_us),
        until: moment(from_us + span_us),
        // Of a pool the i-th value is the i-th moment: all different.
        increasing: seen.distinct.is_some() || seen.in_order,
        days: false,
    })
}

pub(super) fn array(of: &ColumnType, seen: &Seen<'_>) -> Option<GeneratorSpec> {
    let TypeKind::Base { name, .. } = &of.kind else {
        return None;
    };
    let header = if seen.shape.width <= 127 { 1 } else { 4 };
    let room = (seen.shape.width - header - ARRAY_AROUND).max(0);
    let (count, value) = match name.as_str() {
        "int4" => (room / 4, whole(i64::from(i32::MAX))),
        "int8" => (room / 8, whole(i64::MAX / 2)),
        "uuid" => (room / 16, GeneratorSpec::Uuid(Uuid {})),
        "text" | "varchar" => {
            // An element is its text and a header of four bytes, filled up to a multiple of four.
            let count = (room / 12).max(1);
            let length = ((room / count - 4) / 4 * 4).max(1) as usize;
            (
                count,
                GeneratorSpec::Text(crate::seed::generators::text::Text {
                    min: length,
                    max: length,
                    skew: 0.0,
                }),
            )
        }
        _ => return None,
    };
    let count = count.max(0) as usize;
    Some(GeneratorSpec::Array(Array {
        min: count,
        max: count,
        value: Box::new(value),
    }))
}

fn whole(max: i64) -> GeneratorSpec {
    GeneratorSpec::Int(Int {
        min: 1,
        max,
        skew: 0.0,
    })
}
