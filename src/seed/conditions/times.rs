//! Moments in conditions, in microseconds since 1970.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::atom::Constant;

/// Rows that come while a rehearsal runs are later than this: what must lie in the past is earlier.
const PAST: &str = "2026-01-01T00:00:00Z";
/// What must lie in the future is later than this, for as long as this matters.
const FUTURE: &str = "2090-01-01T00:00:00Z";

/// A constant as a moment. Of now, one that is surely before it where the moment `is_upper` bound, else one after it.
pub(super) fn moment_us(constant: &Constant, is_upper: bool) -> Option<i64> {
    match constant {
        Constant::Text(text) => parse(text).map(Timestamp::as_microsecond),
        Constant::Now(shift) => {
            let now: Timestamp = if is_upper { PAST } else { FUTURE }.parse().ok()?;
            let now = now.to_zoned(TimeZone::UTC);
            let Some((back, interval)) = shift else {
                return Some(now.timestamp().as_microsecond());
            };
            let span = span(interval)?;
            let span = if *back { -span } else { span };
            let moment = now.checked_add(span).ok()?;
            Some(moment.timestamp().as_microsecond())
        }
        _ => None,
    }
}

/// A moment as the server writes it: a date, `2020-01-01 00:00:00`, with a zone or without.
fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    // The server leaves the minutes of a zone away.
    if let Ok(moment) = format!("{text}:00").parse::<Timestamp>() {
        return Some(moment);
    }
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// An interval as the server writes it: `18 years`, `1 day 02:00:00`.
fn span(text: &str) -> Option<Span> {
    let mut span = Span::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some((hours, rest)) = word.split_once(':') {
            let minutes = rest.split(':').next()?;
            span = span.try_hours(hours.parse::<i64>().ok()?).ok()?;
            span = span.try_minutes(minutes.parse::<i64>().ok()?).ok()?;
            continue;
        }
        let number: i64 = word.parse().ok()?;
        span = match words.next()? {
            "year" | "years" => span.try_years(number).ok()?,
            "mon" | "mons" | "month" | "months" => span.try_months(number).ok()?,
            "day" | "days" => span.try_days(number).ok()?,
            _ => return None,
        };
    }
    Some(span)
}

/// The moment in a dataset's file.
pub(super) fn timestamp(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The seconds of an interval.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let span = match text.trim() {
        "0" => return Some(0),
        text => span(text)?,
    };
    let days = i64::from(span.get_years()) * 365
        + i64::from(span.get_months()) * 30
        + i64::from(span.get_days());
    Some(days * 86_400 + i64::from(span.get_hours()) * 3_600 + span.get_minutes() * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_the_server_writes_them() {
        let us = |text: &str| moment_us(&Constant::Text(text.to_owned()), true);
        assert_eq!(us("1970-01-02"), Some(86_400_000_000));
        assert_eq!(us("1970-01-01 00:00:01+00"), Some(1_000_000));
        assert_eq!(us("1970-01-01 00:00:01"), Some(1_000_000));
        assert_eq!(us("soon"), None);
        let grown_up = Constant::Now(Some((true, "18 years".to_owned())));
        let moment = timestamp(moment_us(&grown_up, true).unwrap());
        assert_eq!(moment.to_string(), "2008-01-01T00:00:00Z");
        assert_eq!(seconds("1 day 02:30:00"), Some(86_400 + 9_000));
        assert_eq!(seconds("00:00:00"), Some(0));
    }
}
