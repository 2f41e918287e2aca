//! Numbers as text, without the machinery of formatting: a load makes billions of them.

use std::fmt::Write;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A few characters of ASCII that need no memory of their own.
pub struct Digits<const N: usize> {
    bytes: [u8; N],
    start: usize,
}

impl<const N: usize> Digits<N> {
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("they are ASCII")
    }
}

/// A whole number.
pub fn int(n: i64) -> Digits<20> {
    let mut digits = Digits {
        bytes: [b'0'; 20],
        start: 20,
    };
    let mut rest = n.unsigned_abs();
    loop {
        digits.start -= 1;
        digits.bytes[digits.start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if n < 0 {
        digits.start -= 1;
        digits.bytes[digits.start] = b'-';
    }
    digits
}

/// A number below 100,000,000 and how many digits it has, which come first. All eight are made at once: how many
/// there are is not to be guessed.
#[inline]
pub fn eight(n: u32) -> ([u8; 8], usize) {
    // The highest digits end in the lowest bytes. Each step splits all parts in two, by multiplying with the inverse.
    let n = u64::from(n);
    let fours = (n / 10_000) | (n % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    let ones = tens | (twos - tens * 10) << 8;
    let zeros = (ones.trailing_zeros() / 8).min(7);
    let digits = (ones + 0x3030_3030_3030_3030) >> (8 * zeros);
    (digits.to_le_bytes(), 8 - zeros as usize)
}

/// The lowest `width` digits of a number, zeros before it.
pub fn padded<const WIDTH: usize>(mut n: u64) -> Digits<WIDTH> {
    let mut bytes = [b'0'; WIDTH];
    for byte in bytes.iter_mut().rev() {
        *byte = b'0' + (n % 10) as u8;
        n /= 10;
    }
    Digits { bytes, start: 0 }
}

/// `unscaled / 10^scale`, with as many digits after the point as `scale` says.
pub fn decimal(unscaled: i64, scale: u8, out: &mut impl Write) {
    let scale = usize::from(scale);
    let digits = int(unscaled);
    let digits = digits.as_str();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let _ = out.write_str(sign);
    if scale == 0 {
        let _ = out.write_str(digits);
        return;
    }
    const ZEROS: &str = "0000000000000000000000000000000000000000";
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
    let _ = out.write_str(if whole.is_empty() { "0" } else { whole });
    let _ = out.write_str(".");
    let _ = out.write_str(&ZEROS[..(scale - fraction.len()).min(ZEROS.len())]);
    let _ = out.write_str(fraction);
}

/// The lowest `WIDTH` hexadecimal digits.
pub fn hex<const WIDTH: usize>(mut n: u64) -> Digits<WIDTH> {
    let mut bytes = [b'0'; WIDTH];
    for byte in bytes.iter_mut().rev() {
        *byte = HEX[(n & 15) as usize];
        n >>= 4;
    }
    Digits { bytes, start: 0 }
}

/// A UUID as people write it: 8-4-4-4-12 hexadecimal digits.
pub fn uuid(mut n: u128) -> Digits<36> {
    let mut bytes = [b'-'; 36];
    for (at, byte) in bytes.iter_mut().enumerate().rev() {
        if ![8, 13, 18, 23].contains(&at) {
            *byte = HEX[(n & 15) as usize];
            n >>= 4;
        }
    }
    Digits { bytes, start: 0 }
}

pub const SECOND_US: i64 = 1_000_000;
pub const DAY_US: i64 = 86_400 * SECOND_US;

/// A moment as `2024-02-29T12:00:00Z`, with as many digits of a second as it has.
pub fn moment(us: i64, out: &mut impl Write) {
    let (days, of_day) = (us.div_euclid(DAY_US), us.rem_euclid(DAY_US));
    let (year, month, day) = date(days);
    // The year before 1 is 1 BC, as the server's input functions read it.
    let (year, era) = match year {
        1.. => (year, "Z"),
        before => (1 - before, "Z BC"),
    };
    if year >= 10_000 {
        let _ = out.write_str(int(year / 10_000).as_str());
    }
    let mut text = *b"0000-00-00T";
    two(&mut text[0..], year as u64 / 100 % 100);
    two(&mut text[2..], year as u64 % 100);
    two(&mut text[5..], month);
    two(&mut text[8..], day);
    let _ = out.write_str(std::str::from_utf8(&text).expect("it is ASCII"));
    time(of_day, out);
    let _ = out.write_str(era);
}

/// A time of day as `12:00:00`, with as many digits of a second as it has.
pub fn time(us: i64, out: &mut impl Write) {
    let second = (us / SECOND_US) as u64;
    let mut text = *b"00:00:00";
    two(&mut text[0..], second / 3_600);
    two(&mut text[3..], second / 60 % 60);
    two(&mut text[6..], second % 60);
    let _ = out.write_str(std::str::from_utf8(&text).expect("it is ASCII"));
    let fraction = us % SECOND_US;
    if fraction > 0 {
        let digits = padded::<6>(fraction as u64);
        let _ = out.write_str(".");
        let _ = out.write_str(digits.as_str().trim_end_matches('0'));
    }
}

fn two(at: &mut [u8], n: u64) {
    at[0] = b'0' + (n / 10 % 10) as u8;
    at[1] = b'0' + (n % 10) as u8;
}

/// Year, month and day of a day since 1970. Source: Howard Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms", civil_from_days.
fn date(days: i64) -> (i64, u64, u64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097) as u64;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era as i64 + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for n in [0, 7, -7, 10, -100, i64::MAX, i64::MIN] {
            assert_eq!(int(n).as_str(), n.to_string());
        }
        for n in (0..20_000)
            .chain((0..100_000_000).step_by(7_919))
            .chain([99_999_999])
        {
            let (digits, len) = eight(n);
            assert_eq!(&digits[..len], n.to_string().as_bytes());
        }
        assert_eq!(padded::<5>(42).as_str(), "00042");
        assert_eq!(hex::<4>(0x1_00ab).as_str(), "00ab");
        let uuid = uuid(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd);
        assert_eq!(uuid.as_str(), "01234567-89ab-4cde-8f01-23456789abcd");
    }

    #[test]
    fn decimals_keep_their_point() {
        for (unscaled, scale, expected) in [
            (-5, 2, "-0.05"),
            (1_234, 2, "12.34"),
            (0, 3, "0.000"),
            (7, 0, "7"),
        ] {
            let mut text = String::new();
            decimal(unscaled, scale, &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn moments_are_written_as_jiff_does() {
        for us in [
            0,
            1,
            -1,
            951_782_400_000_000,
            1_709_208_000_500_000,
            -62_135_596_800_000_000,
            253_402_207_200_000_000,
        ] {
            let mut text = String::new();
            moment(us, &mut text);
            let expected = jiff::Timestamp::from_microsecond(us).unwrap().to_string();
            assert_eq!(text, expected);
        }
        let mut text = String::new();
        moment(-62_167_219_200_000_000, &mut text);
        assert_eq!(text, "0001-01-01T00:00:00Z BC");
    }
}
