//! Short ways to write down a generator.

use crate::seed::generators::{
    GeneratorSpec, after, array, bool, choice, decimal, fake, hex, int, literal, null, nullable,
    pattern, price, reference, sequence, text, timestamp, title, username, web,
};

pub(super) fn int(min: i64, max: i64) -> GeneratorSpec {
    few(min, max, 0.0)
}

/// Small numbers are the most common.
pub(super) fn few(min: i64, max: i64, skew: f64) -> GeneratorSpec {
    GeneratorSpec::Int(int::Int { min, max, skew })
}

pub(super) fn decimal(min: f64, max: f64, scale: u8) -> GeneratorSpec {
    GeneratorSpec::Decimal(decimal::Decimal { min, max, scale })
}

pub(super) fn price(min: f64, max: f64) -> GeneratorSpec {
    GeneratorSpec::Price(price::Price { min, max })
}

pub(super) fn yes(true_fraction: f64) -> GeneratorSpec {
    GeneratorSpec::Bool(bool::Bool { true_fraction })
}

/// The first is the most common.
pub(super) fn choice<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> GeneratorSpec {
    let weight = |at: usize| (60.0 / (at + 1) as f64).round().max(1.0);
    let labels = labels.into_iter().enumerate();
    GeneratorSpec::Choice(choice::Choice(
        labels
            .map(|(at, label)| (label.into(), weight(at)))
            .collect(),
    ))
}

/// All as likely.
pub(super) fn literal<S: Into<String>>(any: impl IntoIterator<Item = S>) -> GeneratorSpec {
    GeneratorSpec::Literal(literal::Literal {
        any: any.into_iter().map(Into::into).collect(),
        in_order: false,
    })
}

pub(super) fn text(min: usize, max: usize) -> GeneratorSpec {
    GeneratorSpec::Text(text::Text {
        min: min.min(max),
        max,
        skew: 0.0,
    })
}

pub(super) fn title(max: Option<usize>) -> GeneratorSpec {
    GeneratorSpec::Title(title::Title { max })
}

pub(super) fn slug(max: Option<usize>) -> GeneratorSpec {
    GeneratorSpec::Slug(title::Slug { max })
}

pub(super) fn username(max: Option<usize>) -> GeneratorSpec {
    GeneratorSpec::Username(username::Username { max })
}

pub(super) fn url(max: Option<usize>) -> GeneratorSpec {
    GeneratorSpec::Url(web::Url { max })
}

pub(super) fn domain(max: Option<usize>) -> GeneratorSpec {
    GeneratorSpec::Domain(web::Domain { max })
}

pub(super) fn fake(kind: fake::Kind, max: Option<usize>) -> GeneratorSpec {
    GeneratorSpec::Fake(fake::Fake { kind, max })
}

pub(super) fn hex(length: usize) -> GeneratorSpec {
    GeneratorSpec::Hex(hex::Hex { length })
}

pub(super) fn pattern(regex: impl Into<String>) -> GeneratorSpec {
    GeneratorSpec::Pattern(pattern::Pattern {
        regex: regex.into(),
        ..pattern::Pattern::default()
    })
}

pub(super) fn sequence() -> GeneratorSpec {
    GeneratorSpec::Sequence(sequence::Sequence::default())
}

pub(super) fn null() -> GeneratorSpec {
    GeneratorSpec::Null(null::Null {})
}

pub(super) fn nullable(nulls: f64, value: GeneratorSpec) -> GeneratorSpec {
    match value {
        GeneratorSpec::Nullable(_) | GeneratorSpec::Null(_) => value,
        _ => GeneratorSpec::Nullable(nullable::Nullable {
            nulls,
            value: Box::new(value),
        }),
    }
}

pub(super) fn array(min: usize, max: usize, value: GeneratorSpec) -> GeneratorSpec {
    let value = Box::new(value);
    GeneratorSpec::Array(array::Array { min, max, value })
}

/// `from` and `until` as `2020-01-01`.
pub(super) fn moments(from: &str, until: &str, increasing: bool) -> GeneratorSpec {
    let at = |day: &str| {
        format!("{day}T00:00:00Z")
            .parse()
            .expect("a day that is written here")
    };
    GeneratorSpec::Timestamp(timestamp::Timestamp {
        from: at(from),
        until: at(until),
        increasing,
        days: false,
    })
}

pub(super) fn after(column: &str, min_s: i64, max_s: i64) -> GeneratorSpec {
    GeneratorSpec::After(after::After {
        column: column.to_owned(),
        min_s,
        max_s,
    })
}

pub(super) fn reference(table: &str, column: &str) -> reference::Reference {
    reference::Reference {
        column: format!("{table}.{column}"),
        skew: 0.0,
        pick: None,
        earlier: false,
        same: None,
        other_than: None,
    }
}
