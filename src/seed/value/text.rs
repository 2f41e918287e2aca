//! Values as text, as the server's input functions read them.

use std::fmt::Write;
use std::net::IpAddr;

use super::Value;
use crate::seed::digits;

/// Writes a value; nothing for NULL. What is written to has room for everything.
pub fn write(value: Value<'_>, out: &mut impl Write) {
    let _ = match value {
        Value::Null => return,
        Value::Bool(bool) => out.write_str(if bool { "true" } else { "false" }),
        Value::Int(int) => out.write_str(digits::int(int).as_str()),
        Value::Float(float) => write!(out, "{float}"),
        Value::Decimal { unscaled, scale } => return digits::decimal(unscaled, scale, out),
        Value::Text(text) | Value::Json(text) | Value::Composed(text) => out.write_str(text),
        Value::Uuid(uuid) => out.write_str(digits::uuid(uuid).as_str()),
        // RFC 3339 in UTC: a type without time zone takes date and time as they are written.
        Value::TimestampUs(us) => return digits::moment(us, out),
        Value::TimeUs(us) => return digits::time(us, out),
        Value::IntervalUs(us) => return interval(us, out),
        Value::Bytes(bytes) => {
            let _ = out.write_str("\\x");
            return hexadecimal(bytes, out);
        }
        Value::Bits { bytes, len } => return bits(bytes, len, out),
        Value::Ip { address, bits } => return ip(address, bits, out),
        Value::Mac(mac) => return mac_address(mac, out),
        Value::Point { x, y } => write!(out, "({x},{y})"),
        Value::Lexemes(words) => return lexemes(words, out),
        Value::Pairs(pairs) => return hstore(pairs, out),
    };
}

/// Two digits for each byte.
pub fn hexadecimal(bytes: &[u8], out: &mut impl Write) {
    for byte in bytes {
        let _ = out.write_str(digits::hex::<2>(u64::from(*byte)).as_str());
    }
}

fn interval(us: i64, out: &mut impl Write) {
    let _ = out.write_str(digits::int(us / digits::SECOND_US).as_str());
    let fraction = us % digits::SECOND_US;
    let _ = match fraction {
        0 => out.write_str(" seconds"),
        _ => write!(out, " seconds {fraction} microseconds"),
    };
}

fn bits(bytes: &[u8], len: usize, out: &mut impl Write) {
    for at in 0..len {
        let is_set = bytes[at / 8] >> (7 - at % 8) & 1 == 1;
        let _ = out.write_str(if is_set { "1" } else { "0" });
    }
}

fn ip(address: IpAddr, bits: u8, out: &mut impl Write) {
    let _ = match address {
        IpAddr::V4(v4) => {
            for (at, octet) in v4.octets().into_iter().enumerate() {
                let _ = out.write_str(if at > 0 { "." } else { "" });
                let _ = out.write_str(digits::int(octet.into()).as_str());
            }
            Ok(())
        }
        IpAddr::V6(v6) => write!(out, "{v6}"),
    };
    let all = if address.is_ipv4() { 32 } else { 128 };
    if bits < all {
        let _ = out.write_str("/");
        let _ = out.write_str(digits::int(bits.into()).as_str());
    }
}

fn mac_address(mac: u64, out: &mut impl Write) {
    for at in (0..6).rev() {
        let _ = out.write_str(digits::hex::<2>(mac >> (8 * at)).as_str());
        let _ = out.write_str(if at > 0 { ":" } else { "" });
    }
}

fn lexemes(words: &str, out: &mut impl Write) {
    for (at, word) in words.split_terminator(' ').enumerate() {
        let blank = if at > 0 { " " } else { "" };
        let _ = write!(out, "{blank}'{word}':{}", at + 1);
    }
}

fn hstore(pairs: &str, out: &mut impl Write) {
    let mut parts = pairs.split_terminator('\t');
    let mut comma = "";
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        let _ = write!(out, "{comma}\"{key}\"=>\"{value}\"");
        comma = ", ";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_server_reads_them() {
        for (value, expected) in [
            (Value::Bytes(&[1, 0xab]), "\\x01ab"),
            (
                Value::Bits {
                    bytes: &[0b1010_0000],
                    len: 3,
                },
                "101",
            ),
            (
                Value::Ip {
                    address: "10.1.0.0".parse().unwrap(),
                    bits: 16,
                },
                "10.1.0.0/16",
            ),
            (Value::Mac(0x0800_2b01_0203), "08:00:2b:01:02:03"),
            (Value::Lexemes("cat mat"), "'cat':1 'mat':2"),
            (Value::Pairs("a\tx\tb\ty"), "\"a\"=>\"x\", \"b\"=>\"y\""),
            (Value::TimeUs(3_600_000_000), "01:00:00"),
            (
                Value::IntervalUs(-1_500_000),
                "-1 seconds -500000 microseconds",
            ),
        ] {
            let mut text = String::new();
            write(value, &mut text);
            assert_eq!(text, expected);
        }
    }
}
