//! What a column holds, by its type first and by its name within what the type takes.

use std::collections::BTreeMap;

use super::forms::{array, decimal, few, int, literal, moments};
use super::words::{Words, singular};
use super::{fits, numbers, texts};
use crate::seed::generators::{
    GeneratorSpec, bytes, float, json, lexemes, network, point, range, record, time, uuid,
};
use crate::seed::structure::{Column, ColumnType, TypeKind};

/// A generator and why it was taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) spec: GeneratorSpec,
    pub(super) reason: String,
}

/// The generator for a column on its own; `None` for a type of which no value is known.
pub(super) fn choose(table: &Words, column: &Column) -> Option<Choice> {
    let words = Words::of(&column.name);
    let default = column.default.as_deref().and_then(constant);
    let asked = Asked {
        table,
        column: &words,
        default: default.as_deref(),
    };
    let (spec, named) = asked.of(&column.ty)?;
    let sql = &column.ty.sql;
    Some(Choice {
        spec,
        reason: if named {
            format!("name and type {sql}")
        } else {
            format!("type {sql}")
        },
    })
}

/// The text or number of a default that is one: `'draft'::text` → `draft`.
fn constant(default: &str) -> Option<String> {
    if let Some(text) = default.strip_prefix('\'') {
        let (text, after) = text.rsplit_once('\'')?;
        let is_cast = after.is_empty() || after.starts_with("::");
        return is_cast.then(|| text.replace("''", "'"));
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
    (default.chars().all(plain)).then(|| default.to_owned())
}

#[derive(Clone, Copy)]
struct Asked<'a> {
    table: &'a Words,
    column: &'a Words,
    default: Option<&'a str>,
}

impl Asked<'_> {
    /// A generator, and whether the name chose it.
    fn of(self, ty: &ColumnType) -> Option<(GeneratorSpec, bool)> {
        let by_type = |spec: GeneratorSpec| Some((spec, false));
        match &ty.kind {
            TypeKind::Base { name, modifier } => self.base(name, *modifier),
            TypeKind::Enum(labels) if labels.is_empty() => None,
            TypeKind::Enum(labels) => by_type(super::forms::choice(labels.iter().cloned())),
            TypeKind::Domain { of, .. } => {
                let found = self.of(of)?;
                if found.1 {
                    return Some(found);
                }
                // A domain's name often says what the column's does not.
                let words = Words::of(ty.sql.rsplit('.').next().unwrap_or(&ty.sql));
                Asked {
                    column: &words,
                    ..self
                }
                .of(of)
            }
            TypeKind::Array(element) => {
                let words = Words::of(&singular(&self.column.snake()));
                let asked = Asked {
                    column: &words,
                    default: None,
                    ..self
                };
                let (value, named) = asked.of(element)?;
                Some((array(0, 4, value), named))
            }
            TypeKind::Range(of) => by_type(range_of(of)?),
            TypeKind::Multirange(of) => by_type(multirange_of(of)?),
            TypeKind::Composite(fields) => {
                let field = |(name, ty): &(String, ColumnType)| {
                    let column = Words::of(name);
                    let asked = Asked {
                        column: &column,
                        default: None,
                        ..self
                    };
                    Some((name.clone(), asked.of(ty)?.0))
                };
                let fields: Option<BTreeMap<_, _>> = fields.iter().map(field).collect();
                by_type(GeneratorSpec::Record(record::Record(fields?)))
            }
        }
    }

    fn base(self, name: &str, modifier: i32) -> Option<(GeneratorSpec, bool)> {
        let by_type = |spec: GeneratorSpec| Some((spec, false));
        let length = usize::try_from(modifier - 4).ok();
        match name {
            "int2" => Some(numbers::whole(self.column, i16::MAX.into())),
            "int4" | "oid" | "xid" | "cid" => Some(numbers::whole(self.column, i32::MAX.into())),
            "int8" | "xid8" => Some(numbers::whole(self.column, i64::MAX)),
            "numeric" => Some(self.numeric(modifier)),
            "float4" | "float8" => {
                let (spec, named) = numbers::fraction(self.column, 1e6, 4);
                let plain = GeneratorSpec::Float(float::Float {
                    min: 0.0,
                    max: 1_000.0,
                });
                Some(if named { (spec, true) } else { (plain, false) })
            }
            "money" => by_type(decimal(1.0, 2_000.0, 2)),
            "text" | "varchar" | "bpchar" | "citext" => Some(self.text(length)),
            "name" => Some(self.text(Some(63))),
            "char" => by_type(super::forms::choice(["a", "b", "c"])),
            "bool" => Some(numbers::flag(self.column, self.default)),
            "bytea" => {
                let is_digest =
                    self.column
                        .has_any(&["hash", "digest", "checksum", "sha256", "fingerprint"]);
                let (min, max) = if is_digest { (32, 32) } else { (16, 64) };
                Some((GeneratorSpec::Bytes(bytes::Bytes { min, max }), is_digest))
            }
            "date" | "timestamp" | "timestamptz" => {
                by_type(moments("2020-01-01", "2026-01-01", false))
            }
            "time" | "timetz" => by_type(GeneratorSpec::Time(time::Time {})),
            "interval" => by_type(GeneratorSpec::Interval(time::Interval {
                min_s: 60,
                max_s: 30 * 86_400,
            })),
            "uuid" => by_type(GeneratorSpec::Uuid(uuid::Uuid {})),
            "json" | "jsonb" => by_type(self.document()),
            "inet" => by_type(GeneratorSpec::Ip(network::Ip {})),
            "cidr" => by_type(GeneratorSpec::Network(network::Network {})),
            "macaddr" | "macaddr8" => by_type(GeneratorSpec::Mac(network::Mac {})),
            // The modifier of bit types is the length itself.
            "bit" | "varbit" => {
                let length = usize::try_from(modifier).unwrap_or(8).max(1);
                by_type(GeneratorSpec::Bits(bytes::Bits { length }))
            }
            "tsvector" => by_type(GeneratorSpec::Lexemes(lexemes::Lexemes { min: 3, max: 20 })),
            "hstore" => by_type(GeneratorSpec::Pairs(lexemes::Pairs { min: 0, max: 4 })),
            "point" => by_type(GeneratorSpec::Point(point::Point {})),
            _ => by_type(literal(samples(name, modifier)?)),
        }
    }

    fn numeric(self, modifier: i32) -> (GeneratorSpec, bool) {
        let Ok(packed) = u32::try_from(modifier - 4) else {
            return numbers::fraction(self.column, 1e9, 2);
        };
        let (precision, scale) = (packed >> 16, packed & 0x7ff);
        // A negative scale, from 15 on, is one of eleven bits.
        let scale = if scale > 1_000 { 0 } else { scale };
        let whole = i32::try_from(precision.saturating_sub(scale)).unwrap_or(0);
        let digits = u8::try_from(scale.min(9))
            .unwrap_or(9)
            .min(15u8.saturating_sub(whole.clamp(0, 9) as u8));
        let limit = 10f64.powi(whole.min(9));
        if scale == 0 && whole > 0 {
            let (spec, named) = numbers::whole(self.column, limit as i64 - 1);
            return (spec, named);
        }
        numbers::fraction(self.column, limit, digits)
    }

    fn text(self, limit: Option<usize>) -> (GeneratorSpec, bool) {
        let named = texts::by_name(self.table, self.column, limit)
            .map(|spec| self.with_default(spec, limit));
        match named.filter(|spec| limit.is_none_or(|limit| fits(spec, limit))) {
            Some(spec) => (spec, true),
            None => (texts::plain(limit, self.default), false),
        }
    }

    /// A choice that has the column's default among it, and only labels that fit.
    fn with_default(self, spec: GeneratorSpec, limit: Option<usize>) -> GeneratorSpec {
        let GeneratorSpec::Choice(mut choice) = spec else {
            return spec;
        };
        choice
            .0
            .retain(|label, _| limit.is_none_or(|limit| label.chars().count() <= limit));
        if let Some(default) = self.default.filter(|default| !default.is_empty()) {
            choice.0.insert(default.to_owned(), 100.0);
        }
        if choice.0.is_empty() {
            return texts::plain(limit, None);
        }
        GeneratorSpec::Choice(choice)
    }

    fn document(self) -> GeneratorSpec {
        let is_list = self
            .default
            .is_some_and(|default| default.trim_start().starts_with('['));
        if is_list {
            return literal(["[]", r#"["a"]"#, r#"["a", "b"]"#]);
        }
        let mut fields = BTreeMap::new();
        if self.column.has_any(&[
            "settings",
            "preferences",
            "options",
            "config",
            "configuration",
        ]) {
            fields.insert("enabled".to_owned(), super::forms::yes(0.7));
            fields.insert("theme".to_owned(), super::forms::choice(["light", "dark"]));
            fields.insert("page_size".to_owned(), int(10, 100));
        } else {
            fields.insert("id".to_owned(), few(1, 100_000, 0.5));
            fields.insert(
                "kind".to_owned(),
                super::forms::choice(["created", "updated", "viewed"]),
            );
            fields.insert("note".to_owned(), super::forms::text(5, 60));
        }
        GeneratorSpec::Json(json::Json(fields))
    }
}

fn range_of(of: &ColumnType) -> Option<GeneratorSpec> {
    let TypeKind::Base { name, .. } = &of.base().kind else {
        return None;
    };
    let (start, min, max) = match name.as_str() {
        "int4" | "int8" | "numeric" | "int2" => (int(1, 10_000), 1, 1_000),
        "float4" | "float8" => (int(1, 10_000), 1, 1_000),
        "date" => (moments("2020-01-01", "2026-01-01", false), 1, 30),
        "timestamp" | "timestamptz" => (
            moments("2020-01-01", "2026-01-01", false),
            3_600,
            30 * 86_400,
        ),
        _ => return None,
    };
    let (start, disjoint) = (Box::new(start), false);
    Some(GeneratorSpec::Range(range::Range {
        start,
        min,
        max,
        disjoint,
    }))
}

fn multirange_of(of: &ColumnType) -> Option<GeneratorSpec> {
    let TypeKind::Base { name, .. } = &of.base().kind else {
        return None;
    };
    Some(match name.as_str() {
        "date" | "timestamp" | "timestamptz" => literal([
            "{}",
            "{[2024-01-01,2024-02-01)}",
            "{[2024-01-01,2024-02-01),[2025-01-01,2025-06-01)}",
        ]),
        "int4" | "int8" | "numeric" | "float8" => literal(["{}", "{[1,5)}", "{[1,5),[10,20)}"]),
        _ => return None,
    })
}

/// Texts that the server reads as values of a type.
fn samples(name: &str, modifier: i32) -> Option<Vec<String>> {
    let some = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let vectors = |brackets: [&str; 2]| {
        let length = usize::try_from(modifier).unwrap_or(3).clamp(1, 16_000);
        let vector = |seed: usize| {
            let at = |at: usize| format!("0.{}", (seed * 31 + at * 17) % 97);
            format!(
                "{}{}{}",
                brackets[0],
                (0..length).map(at).collect::<Vec<_>>().join(","),
                brackets[1]
            )
        };
        Some((1..=8).map(vector).collect())
    };
    match name {
        "line" => some(&["{1,2,3}", "{1,-1,0}"]),
        "lseg" => some(&["[(0,0),(1,2)]", "[(3,1),(4,5)]"]),
        "box" => some(&["(1,2),(0,0)", "(9,9),(3,4)"]),
        "path" => some(&["[(0,0),(1,2),(3,1)]", "((0,0),(1,2),(3,1))"]),
        "polygon" => some(&["((0,0),(1,2),(3,1))", "((5,5),(6,7),(8,5))"]),
        "circle" => some(&["<(0,0),1>", "<(3,4),2.5>"]),
        "tsquery" => some(&["'cat' & 'dog'", "'rose' | 'tree'"]),
        "xml" => some(&["<item><name>a</name></item>", "<item><name>b</name></item>"]),
        "jsonpath" => some(&["$.a", "$.items[*].id"]),
        "pg_lsn" => some(&["16/B374D848", "0/1634A58"]),
        "txid_snapshot" | "pg_snapshot" => some(&["10:20:10,14,15"]),
        "int2vector" | "oidvector" => some(&["1 2 3", "4 5"]),
        "regclass" => some(&["pg_class", "pg_type"]),
        "regtype" => some(&["integer", "text"]),
        "regproc" | "regprocedure" => some(&["now", "version"]).filter(|_| name == "regproc"),
        "regnamespace" => some(&["pg_catalog"]),
        "regrole" => None,
        "ltree" => some(&[
            "top",
            "top.science",
            "top.science.astronomy",
            "top.hobbies",
            "top.hobbies.chess",
            "top.collections.pictures",
        ]),
        "lquery" => some(&["top.*", "*.science"]),
        "cube" => some(&["(1,2,3)", "(4,5,6)"]),
        "seg" => some(&["1..2", "3"]),
        "vector" | "halfvec" => vectors(["[", "]"]),
        "geometry" | "geography" => some(&[
            "SRID=4326;POINT(13.40 52.52)",
            "SRID=4326;POINT(2.35 48.86)",
            "SRID=4326;POINT(-0.13 51.51)",
        ]),
        _ => None,
    }
}
