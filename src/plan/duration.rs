//! Durations as a scenario writes them: `500ms`, `2s`, `1m`.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// A span of time that a person wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written(pub Duration);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Written).ok_or_else(|| {
            de::Error::custom("not a duration; write it as \"500ms\", \"2s\" or \"1m\"")
        })
    }
}

impl JsonSchema for Written {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration: `500ms`, `2s`, `1m`, `1m 30s`.",
            "examples": ["500ms", "2s", "1m"],
        })
    }
}

/// Reads a duration as a scenario writes it.
pub fn parse(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok()
}

/// A duration as a scenario would write it.
pub fn write(span: Duration) -> String {
    let ms = span.as_millis();
    match ms {
        0 => "0s".to_owned(),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        _ => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_alike() {
        for text in ["500ms", "2s", "1m", "90s", "1500ms"] {
            assert_eq!(write(parse(text).unwrap()), text);
        }
        assert_eq!(parse("1m 30s"), Some(Duration::from_secs(90)));
    }

    #[test]
    fn what_is_no_duration_or_lies_before_now_is_refused() {
        for text in ["", "5", "-2s", "2s ago", "soon"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
