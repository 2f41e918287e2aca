//! How durations, bytes, counts, ratios and rates are written for people.
//!
//! Three significant digits at most, and never more than nine characters, so that tables line up.

/// What stands where there is no number.
pub const NONE: &str = "–";

const MS_PER_S: f64 = 1_000.0;
const S_PER_MIN: f64 = 60.0;

/// A duration in milliseconds: `0.85 ms`, `12.3 ms`, `1.25 s`, `2m 05s`, `3h 07m`, `2d 04h`.
pub fn duration(ms: f64) -> String {
    if !ms.is_finite() || ms < 0.0 {
        return NONE.to_owned();
    }
    if ms == 0.0 {
        return "0 ms".to_owned();
    }
    if ms < 0.005 {
        return "<0.01 ms".to_owned();
    }
    // Each unit ends where its rounding would show the next one's first value.
    if ms < 999.5 {
        return format!("{} ms", three_digits(ms));
    }
    let s = ms / MS_PER_S;
    if s < 59.95 {
        return format!("{} s", three_digits(s));
    }
    let s = s.round();
    let minutes = (s / S_PER_MIN).floor();
    if minutes < 60.0 {
        return format!("{minutes}m {:02}s", s % S_PER_MIN);
    }
    let minutes = (s / S_PER_MIN).round();
    let hours = (minutes / 60.0).floor();
    if hours < 24.0 {
        return format!("{hours}h {:02}m", minutes % 60.0);
    }
    let hours = (minutes / 60.0).round();
    let days = (hours / 24.0).floor();
    if days > 9_999.0 {
        return ">9999d".to_owned();
    }
    format!("{days}d {:02}h", hours % 24.0)
}

/// A size, in powers of 1024 with the letters of `pg_size_pretty`, so that it is the figure psql shows.
pub fn bytes(bytes: u64) -> String {
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        if size < 999.5 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    format!("{} {unit}", three_digits(size))
}

/// A size as people write one: `50GB`, `1.5 TB`, `800 MB`; bytes without a unit.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let units = ["b", "kb", "mb", "gb", "tb"];
    let unit = unit.to_ascii_lowercase();
    let power = match unit.as_str() {
        "" => 0,
        unit => units.iter().position(|known| *known == unit)?,
    };
    let number: f64 = number.trim().parse().ok()?;
    let bytes = number * 1024f64.powi(power as i32);
    (bytes.is_finite() && bytes >= 0.0).then_some(bytes as u64)
}

/// A count, exact below ten million: `1,000,000`; then `12.3 M`, `4.56 bn`.
pub fn count(count: u64) -> String {
    if count < 10_000_000 {
        return grouped(count);
    }
    let count = count as f64;
    match count {
        _ if count < 999.5e6 => format!("{} M", three_digits(count / 1e6)),
        _ if count < 999.5e9 => format!("{} bn", three_digits(count / 1e9)),
        _ => ">999 bn".to_owned(),
    }
}

/// How many times the one is the other: `×1.80`, `×12.3`, `×0.05`.
pub fn ratio(ratio: f64) -> String {
    match ratio {
        _ if ratio.is_nan() || ratio < 0.0 => NONE.to_owned(),
        _ if ratio == 0.0 => "×0".to_owned(),
        _ if ratio < 0.005 => "<×0.01".to_owned(),
        _ if ratio < 999.5 => format!("×{}", three_digits(ratio)),
        _ if ratio < 99_999.5 => format!("×{}", grouped(ratio.round() as u64)),
        _ => ">×99,999".to_owned(),
    }
}

/// So many in a second: `1,234/s`, `0.50/s`.
pub fn rate(per_s: f64) -> String {
    match per_s {
        _ if !per_s.is_finite() || per_s < 0.0 => NONE.to_owned(),
        _ if per_s < 999.5 => format!("{}/s", three_digits(per_s)),
        _ if per_s < 999_999.5 => format!("{}/s", grouped(per_s.round() as u64)),
        _ => ">999 k/s".to_owned(),
    }
}

/// A count with its noun, in the plural where that is due: `1 query`, `312 queries`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A number below 1000 with three significant digits, and no more than two decimals.
fn three_digits(number: f64) -> String {
    match number {
        _ if number < 9.995 => format!("{number:.2}"),
        _ if number < 99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// A whole number with a comma before every third digit from the right.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_unit_that_fits() {
        for (ms, text) in [
            (0.0, "0 ms"),
            (0.001, "<0.01 ms"),
            (0.85, "0.85 ms"),
            (12.34, "12.3 ms"),
            (850.4, "850 ms"),
            (999.6, "1.00 s"),
            (1_250.0, "1.25 s"),
            (59_940.0, "59.9 s"),
            (59_990.0, "1m 00s"),
            (125_000.0, "2m 05s"),
            (3_599_700.0, "1h 00m"),
            (11_220_000.0, "3h 07m"),
            (187_200_000.0, "2d 04h"),
            (f64::NAN, NONE),
        ] {
            assert_eq!(duration(ms), text, "{ms}");
        }
    }

    #[test]
    fn a_size_is_read_as_it_is_written() {
        for (text, bytes) in [
            ("50GB", Some(50 << 30)),
            ("1.5 TB", Some(3 << 39)),
            ("800 mb", Some(800 << 20)),
            ("4096", Some(4096)),
            ("GB", None),
            ("-1GB", None),
            ("5 parsecs", None),
        ] {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn bytes_are_those_of_pg_size_pretty() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (8_192, "8.00 kB"),
            (1_048_575, "1.00 MB"),
            (711_000_000, "678 MB"),
            (u64::MAX, "16.0 EB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn counts_are_exact_as_long_as_they_fit() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_000_000, "1,000,000"),
            (9_999_999, "9,999,999"),
            (12_345_678, "12.3 M"),
            (4_560_000_000, "4.56 bn"),
        ] {
            assert_eq!(count(n), text);
        }
        assert_eq!(counted(1, "query", "queries"), "1 query");
        assert_eq!(counted(2_000, "query", "queries"), "2,000 queries");
    }

    #[test]
    fn ratios_and_rates() {
        assert_eq!(ratio(1.8), "×1.80");
        assert_eq!(ratio(0.0), "×0");
        assert_eq!(ratio(0.0001), "<×0.01");
        assert_eq!(ratio(1_234.0), "×1,234");
        assert_eq!(ratio(f64::INFINITY), ">×99,999");
        assert_eq!(rate(1_234.4), "1,234/s");
        assert_eq!(rate(0.5), "0.50/s");
    }

    #[test]
    fn nothing_is_wider_than_nine_characters() {
        let mut number = 0.000_1;
        while number < 1e19 {
            let whole = number as u64;
            for text in [
                duration(number),
                bytes(whole),
                count(whole),
                ratio(number),
                rate(number),
            ] {
                assert!(text.chars().count() <= 9, "{number}: {text:?}");
            }
            number *= 1.037;
        }
    }
}
