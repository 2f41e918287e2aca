//! Whether all that a generator may give can be encoded for a type.

use std::net::IpAddr;

use super::Encoding;
use super::scalars::EPOCH_US;
use crate::seed::value::Shape;

/// The first moment of PostgreSQL's timestamps, in its own count: MIN_TIMESTAMP.
const FIRST_US: i64 = -211_813_488_000_000_000;

impl Encoding {
    /// Whether values of this shape can be encoded at all, whatever the column's own limits.
    /// Texts count only where no server has to read them.
    pub fn takes(&self, shape: &Shape) -> bool {
        let within = |min: i64, max: i64| match shape {
            Shape::Int { min: a, max: b } => min <= *a && *b <= max,
            _ => false,
        };
        match (self, shape) {
            (_, Shape::Null) => true,
            (_, Shape::Any(parts)) => parts.iter().all(|part| self.takes(part)),
            (Encoding::Converted { by_text, .. }, Shape::Label(labels))
                if labels.iter().all(|label| by_text.contains_key(label)) =>
            {
                true
            }
            (Encoding::Converted { otherwise, .. }, shape) => otherwise.takes(shape),
            (Encoding::Text, _) => true,
            (Encoding::Int2, _) => within(i16::MIN.into(), i16::MAX.into()),
            (Encoding::Int4, _) => within(i32::MIN.into(), i32::MAX.into()),
            (Encoding::Oid, _) => within(0, u32::MAX.into()),
            (Encoding::Int8, Shape::Int { .. })
            | (Encoding::Bool, Shape::Bool)
            | (Encoding::Uuid, Shape::Uuid)
            | (Encoding::Json | Encoding::Jsonb, Shape::Json)
            | (Encoding::Bytea, Shape::Bytes | Shape::Text { .. })
            | (Encoding::Bit, Shape::Bits { .. })
            | (Encoding::Geometric(_), Shape::Point)
            | (Encoding::TsVector, Shape::Lexemes)
            | (Encoding::Hstore, Shape::Pairs)
            | (Encoding::Mac | Encoding::Mac8, Shape::Mac)
            | (Encoding::Inet | Encoding::Cidr, Shape::Ip)
            | (Encoding::Interval, Shape::Interval)
            | (Encoding::Time | Encoding::TimeTz, Shape::Time | Shape::Timestamp { .. }) => true,
            (Encoding::Float4 | Encoding::Float8 | Encoding::Money, shape) => matches!(
                shape,
                Shape::Int { .. } | Shape::Float { .. } | Shape::Decimal { .. }
            ),
            (Encoding::Numeric, Shape::Float { min, max }) => min.abs().max(max.abs()) < 9e12,
            (Encoding::Numeric, shape) => {
                matches!(shape, Shape::Int { .. } | Shape::Decimal { .. })
            }
            (Encoding::Date | Encoding::Timestamp, Shape::Timestamp { min_us, .. }) => {
                min_us.saturating_sub(EPOCH_US) >= FIRST_US
            }
            (Encoding::Char, Shape::Label(labels)) => labels.iter().all(|label| label.len() == 1),
            (Encoding::Inet | Encoding::Cidr, Shape::Label(labels)) => {
                labels.iter().all(|label| label.parse::<IpAddr>().is_ok())
            }
            (Encoding::Array { element, .. }, Shape::Array(of)) => element.takes(of),
            (Encoding::Range(element) | Encoding::Multirange(element), Shape::Range(of)) => {
                element.takes(of)
            }
            (Encoding::Record(fields), Shape::Record(given)) => {
                given.iter().all(|(name, shape)| {
                    let mut fields = fields.iter();
                    fields.any(|(field, _, encoding)| field == name && encoding.takes(shape))
                })
            }
            _ => false,
        }
    }
}
