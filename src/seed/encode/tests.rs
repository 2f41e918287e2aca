//! What is sent, byte by byte.

use super::scalars::{EPOCH_US, put_numeric};
use super::*;
use crate::seed::digits::DAY_US;
use crate::seed::value::Shape;

fn check(encoding: Encoding, value: Value<'_>, expected: &[u8]) {
    let mut out = Cells::default();
    encoding.put(value, &mut out).unwrap();
    assert_eq!(out.as_slice(), expected, "{value:?} as {encoding}");
}

fn numeric(unscaled: i64, scale: u8) -> Vec<i16> {
    let mut out = Cells::default();
    put_numeric(unscaled, scale, &mut out);
    out.as_slice()
        .chunks(2)
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
    assert_eq!(
        numeric(i64::MAX, 1),
        [6, 4, 0, 1, 92, 2337, 2036, 8547, 7580, 7000]
    );
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
    assert!(Encoding::Int2.put(value, &mut Cells::default()).is_err());
    let large = Shape::Int {
        min: 0,
        max: 70_000,
    };
    assert!(!Encoding::Int2.takes(&large));
    assert!(Encoding::Int4.takes(&large));
    assert!(!Encoding::Uuid.takes(&Shape::Bool));
    assert!(!Encoding::Int2.takes(&Shape::any([Shape::Null, large])));
}

#[test]
fn a_cell_has_its_length_before_it_and_null_has_none() {
    for (encoding, value, expected) in [
        (Encoding::Int4, Value::Null, &[255, 255, 255, 255][..]),
        (Encoding::Int2, Value::Int(3), &[0, 0, 0, 2, 0, 3]),
        (Encoding::Text, Value::Int(-3), &[0, 0, 0, 2, b'-', b'3']),
        (Encoding::Text, Value::Text("é"), &[0, 0, 0, 2, 0xc3, 0xa9]),
    ] {
        let mut out = Cells::default();
        encoding.put_cell(value, &mut out).unwrap();
        assert_eq!(out.as_slice(), expected, "{value:?} as {encoding}");
    }
}
