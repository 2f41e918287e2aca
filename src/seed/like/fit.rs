//! Numbers that make generated values like observed ones.

/// What `pg_stats` says of widths is cut off to whole bytes: half a byte more is what it was, on average.
const CUT_OFF: f64 = 0.5;

/// Of how many values `rows` draws, each as likely, have shown `seen`.
pub(super) fn pool_size(seen: f64, rows: f64) -> u64 {
    if seen >= 0.995 * rows {
        return (rows * 100.0) as u64;
    }
    let shown = |size: f64| size * (1.0 - (-rows / size).exp());
    let (mut low, mut high) = (seen.max(1.0), rows.max(seen) * 200.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if shown(middle) < seen {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low.round() as u64).max(1)
}

/// The shortest and the longest text of a column whose values take `width` bytes with their header, `spread` over
/// lengths about the mean or all of one.
pub(super) fn lengths(width: i32, overhead: i32, spread: bool) -> (usize, usize) {
    // Up to 126 bytes the header is one byte, beyond that four.
    let header = if width <= 127 { 1 } else { 4 };
    let mean = (width - header - overhead).max(1);
    if !spread || mean < 4 {
        return (mean as usize, mean as usize);
    }
    let min = mean * 3 / 5;
    // Their mean is half a byte more than what was said.
    let max = 2 * mean + (2.0 * CUT_OFF) as i32 - min;
    (min as usize, max as usize)
}

/// So many significant digits.
pub(super) fn rounded(value: f64, digits: i32) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let power = 10f64.powi(digits - 1 - value.abs().log10().floor() as i32);
    (value * power).round() / power
}

/// Start, step and scale of numerics that take `width` bytes on average, as many as `size`, below 10 to the `digits`
/// with `scale` places after the point.
pub(super) fn steps(width: i32, size: u64, scale: u8, digits: u32) -> Option<(i64, i64)> {
    let limit = 10i64.checked_pow(digits.min(18))?;
    let wanted = f64::from(width) + CUT_OFF;
    let last = i64::try_from(size.saturating_sub(1)).ok()?;
    let samples: Vec<i64> = (0..200i64)
        .map(|i| (last as i128 * i128::from(i) / 199) as i64)
        .collect();
    let mut best: Option<(f64, i64, i64)> = None;
    for power in 0..18 {
        let ten = 10i64.pow(power);
        for factor in [1, 2, 3, 4, 5, 7, 11, 13, 25, 37, 73] {
            for start in [1, 101, ten, 10_007, 1_000_003, 100_000_007] {
                let Some(step) = ten.checked_mul(factor) else {
                    continue;
                };
                let top = last
                    .checked_mul(step)
                    .and_then(|top| top.checked_add(start));
                if top.is_none_or(|top| top >= limit) {
                    continue;
                }
                let mean = samples
                    .iter()
                    .map(|row| numeric_bytes(start + row * step, scale))
                    .sum::<f64>()
                    / samples.len() as f64;
                let off = (mean - wanted).abs();
                if best.is_none_or(|(least, ..)| off < least) {
                    best = Some((off, start, step));
                }
            }
        }
    }
    best.map(|(_, start, step)| (start, step))
}

/// What a numeric takes on disk: two headers, and two bytes for every four digits before and after the point, without
/// leading and trailing zeros (`make_result` in numeric.c).
fn numeric_bytes(unscaled: i64, scale: u8) -> f64 {
    // To groups of four digits after the point.
    let pad = (4 - scale % 4) % 4;
    let mut value = i128::from(unscaled.unsigned_abs()) * 10i128.pow(pad.into());
    if value == 0 {
        return 3.0;
    }
    while value % 10_000 == 0 {
        value /= 10_000;
    }
    let mut groups = 0;
    while value > 0 {
        value /= 10_000;
        groups += 1;
    }
    // Short header of the value, short header of the numeric.
    3.0 + 2.0 * f64::from(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_shows_as_many_values_as_were_seen() {
        for (seen, rows) in [(10.0, 1e6), (5_000.0, 10_000.0), (60_000.0, 1e5)] {
            let size = pool_size(seen, rows) as f64;
            let shown = size * (1.0 - (-rows / size).exp());
            assert!(
                (shown - seen).abs() < 0.01 * seen + 1.0,
                "{size} for {seen} of {rows}"
            );
        }
    }

    #[test]
    fn numerics_take_the_bytes_that_postgres_gives_them() {
        // SELECT pg_column_size of a stored row's column less nothing: 5, 5, 7, 5, 7, 9.
        for (unscaled, scale, bytes) in [
            (100, 2, 5.0),
            (33, 2, 5.0),
            (12_345, 2, 7.0),
            (10_000, 0, 5.0),
            (12_345, 0, 7.0),
            (12_345_678, 2, 9.0),
        ] {
            assert_eq!(
                numeric_bytes(unscaled, scale),
                bytes,
                "{unscaled} / 10^{scale}"
            );
        }
        // Fewer than 40,000 numbers take 5 bytes.
        for width in [6, 7, 8, 9] {
            let (start, step) = steps(width, 40_000, 2, 12).unwrap();
            let mean = (0..40_000)
                .map(|row| numeric_bytes(start + row * step, 2))
                .sum::<f64>()
                / 40_000.0;
            let cut_off = mean.floor();
            assert!(
                (cut_off - f64::from(width)).abs() < 0.1 * f64::from(width),
                "{mean} for {width}"
            );
        }
    }
}
