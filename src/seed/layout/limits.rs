//! Whether a generator's values fit a column of the server's.

use tokio_postgres::types::{Kind, Type};

use super::InCatalogue;
use crate::seed::encode::{Conversions, Encoding};
use crate::seed::generators::Generator;
use crate::seed::value::Shape;

/// How the generator's values travel to the column, if all of them fit.
pub(super) fn encoding(
    column: &InCatalogue,
    generator: &Generator,
    conversions: &Conversions,
) -> Result<Encoding, String> {
    let ty = &column.ty;
    if column.is_generated {
        return Err("the server computes the column: leave it out".to_owned());
    }
    if column.not_null && generator.gives_null() {
        return Err("the column is NOT NULL, but the generator gives NULL".to_owned());
    }
    let shape = generator.shape();
    let encoding = Encoding::with(ty, conversions)
        .ok_or_else(|| format!("no generator has values of the type {ty}"))?;
    for shape in shape.alternatives() {
        if !encoding.takes(shape) {
            return Err(misfit(shape, ty));
        }
        limits(ty, column.modifier, shape)?;
    }
    Ok(encoding)
}

fn misfit(shape: &Shape, ty: &Type) -> String {
    let hint = match Encoding::of(ty) {
        Some(Encoding::Opaque(_)) => ": write its values as literal = { any = [\"…\"] }",
        _ => "",
    };
    format!("values of {shape:?} do not fit the type {ty}{hint}")
}

/// The limits of the column itself: labels of an enum, the length of a varchar, digits.
fn limits(ty: &Type, modifier: i32, shape: &Shape) -> Result<(), String> {
    if let Kind::Domain(of) = ty.kind() {
        return limits(of, modifier, shape);
    }
    if *shape == Shape::Null {
        return Ok(());
    }
    if let Kind::Enum(labels) = ty.kind() {
        let Shape::Label(given) = shape else {
            return Err(format!(
                "the type {ty} takes a choice of its labels: {labels:?}"
            ));
        };
        return match given.iter().find(|label| !labels.contains(label)) {
            Some(label) => Err(format!("{label:?} is no label of {ty}: {labels:?}")),
            None => Ok(()),
        };
    }
    if let (Kind::Array(element), Shape::Array(of)) = (ty.kind(), shape) {
        // The modifier of an array is its elements'.
        let mut alternatives = of.alternatives().iter();
        return alternatives.try_for_each(|of| limits(element, modifier, of));
    }
    // -1 is no modifier; that of bits is what was written.
    if let (Shape::Bits { len }, Ok(wanted)) = (shape, usize::try_from(modifier)) {
        return match *ty == Type::BIT && *len != wanted {
            true => Err(format!("has {len} bits, but the column takes {wanted}")),
            false => at_most(*len, wanted, "bits"),
        };
    }
    // All others are 4 more than what was written.
    let Ok(modifier) = usize::try_from(modifier - 4) else {
        return Ok(());
    };
    if [Type::VARCHAR, Type::BPCHAR].contains(ty) {
        let chars = shape.chars().unwrap_or(0);
        return at_most(chars, modifier, "characters");
    }
    match shape {
        Shape::Decimal { min, max, scale } if *ty == Type::NUMERIC => {
            digits(*min, *max, *scale, modifier)
        }
        Shape::Int { min, max } if *ty == Type::NUMERIC => digits(*min, *max, 0, modifier),
        _ => Ok(()),
    }
}

fn digits(min: i64, max: i64, scale: u8, modifier: usize) -> Result<(), String> {
    let largest = min.unsigned_abs().max(max.unsigned_abs());
    let whole = largest / 10u64.checked_pow(scale.into()).unwrap_or(u64::MAX);
    let digits = whole.checked_ilog10().map_or(0, |log| log as usize + 1);
    // Eleven bits hold the scale with its sign, which few columns have below 0.
    let scale = (modifier & 0x7ff ^ 1_024) as i64 - 1_024;
    let room = (modifier >> 16) as i64 - scale;
    at_most(digits, room.max(0) as usize, "digits before the point")
}

fn at_most(found: usize, limit: usize, what: &str) -> Result<(), String> {
    if found <= limit {
        Ok(())
    } else {
        Err(format!(
            "has up to {found} {what}, but the column takes {limit}"
        ))
    }
}
