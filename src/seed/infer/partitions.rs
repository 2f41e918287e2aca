//! Values of partition keys, within the bounds of the partitions that are there.

use std::collections::BTreeMap;

use super::draft::Drafts;
use super::forms::{literal, null};
use crate::seed::dataset::Case;
use crate::seed::generators::{GeneratorSpec, int, literal::Literal, timestamp};
use crate::seed::structure::{KeyPart, Strategy, Structure, Table, TypeKind};

/// A way for a row into a partition: what the columns of the keys on the way must hold. Nothing: anything.
type Way = BTreeMap<String, GeneratorSpec>;

pub(super) fn choose(drafts: &mut Drafts<'_>) {
    let names: Vec<String> = drafts.tables.keys().cloned().collect();
    for name in names {
        let draft = &drafts.tables[&name];
        if draft.table.partitioned_by.is_none() {
            continue;
        }
        let mut ways = Vec::new();
        let leads = walk(drafts.structure, &name, draft.table, &Way::new(), &mut ways);
        if let Err(why) = leads.and_then(|()| some(&name, &ways)) {
            drafts.give_up(&name, why);
            continue;
        }
        let draft = drafts.tables.get_mut(&name).expect("it is a draft");
        // A default partition takes what no other does.
        if ways.iter().any(Way::is_empty) {
            continue;
        }
        let is_one = ways.iter().all(|way| way.len() == 1)
            && ways.iter().all(|way| way.keys().eq(ways[0].keys()));
        let why = "within the bounds of the partitions";
        if is_one {
            let column = ways[0].keys().next().expect("one column").clone();
            let specs: Vec<GeneratorSpec> = ways.into_iter().flat_map(Way::into_values).collect();
            let keeps = draft.spec.columns.get(&column);
            if !matches!(
                keeps,
                Some(GeneratorSpec::Reference(_) | GeneratorSpec::Parent(_))
            ) {
                draft.set(&column, joined(specs), why);
                draft.bounded.insert(column);
            }
        } else {
            for way in &ways {
                for (column, spec) in way {
                    draft.set(column, spec.clone(), why);
                    draft.bounded.insert(column.clone());
                }
            }
            let case = |columns: Way| Case {
                weight: 1.0,
                columns,
            };
            draft.spec.cases = ways.into_iter().map(case).collect();
        }
    }
}

fn some(name: &str, ways: &[Way]) -> Result<(), String> {
    if ways.is_empty() {
        return Err(format!(
            "it is partitioned and no row fits a partition: add one to the schema, such as \
             CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT"
        ));
    }
    Ok(())
}

/// All ways into the partitions of a table, and theirs.
fn walk(
    structure: &Structure,
    name: &str,
    table: &Table,
    before: &Way,
    ways: &mut Vec<Way>,
) -> Result<(), String> {
    let Some(by) = &table.partitioned_by else {
        ways.push(before.clone());
        return Ok(());
    };
    let parts = structure.tables.iter().filter_map(|(part, found)| {
        let of = found.partition_of.as_ref()?;
        (of.parent == name).then_some((part, found, of))
    });
    for (part, found, of) in parts {
        let columns: Vec<String> = by
            .parts
            .iter()
            .map(column)
            .collect::<Option<_>>()
            .unwrap_or_default();
        let is_open = of.bound.starts_with("DEFAULT") || by.strategy == Strategy::Hash;
        if !is_open && columns.is_empty() {
            let sql: Vec<String> = by
                .parts
                .iter()
                .map(|part| match part {
                    KeyPart::Column(column) => column.clone(),
                    KeyPart::Expression { sql, .. } => sql.clone(),
                })
                .collect();
            return Err(format!(
                "it is partitioned by {}, and for this expression no value is known to lie within a partition: add a \
                 DEFAULT partition, or describe its columns",
                sql.join(", ")
            ));
        }
        let mut way = before.clone();
        if !is_open {
            let Some(within) = within(table, by.strategy, &columns, &of.bound) else {
                continue;
            };
            way.extend(within);
        }
        walk(structure, part, found, &way, ways)?;
    }
    Ok(())
}

/// The column of a part of a key: also that of an expression that keeps its order, such as `date_trunc('day', at)`.
fn column(part: &KeyPart) -> Option<String> {
    match part {
        KeyPart::Column(column) => Some(column.clone()),
        KeyPart::Expression { sql, columns } => {
            let keeps_order = sql.starts_with("date_trunc(")
                || sql.ends_with("::date")
                || sql.ends_with("::date)")
                || sql.starts_with("date(");
            (keeps_order && columns.len() == 1).then(|| columns[0].clone())
        }
    }
}

/// What a partition's bound asks of the columns of its key.
fn within(table: &Table, strategy: Strategy, columns: &[String], bound: &str) -> Option<Way> {
    if strategy == Strategy::List {
        let list = between(bound, "IN (", ")")?;
        let texts: Vec<String> = values(list).into_iter().flatten().collect();
        let spec = if texts.is_empty() {
            null()
        } else {
            literal(texts)
        };
        return Some(BTreeMap::from([(columns[0].clone(), spec)]));
    }
    let (from, to) = bound.split_once(" TO (")?;
    let from = values(between(from, "FROM (", ")")?);
    let to = values(to.strip_suffix(')')?);
    let mut way = Way::new();
    for (at, column) in columns.iter().enumerate() {
        let (low, high) = (from.get(at)?.as_deref(), to.get(at)?.as_deref());
        if let Some(only) = low.filter(|_| low == high) {
            way.insert(column.clone(), literal([only]));
            continue;
        }
        way.insert(column.clone(), span(table, column, low, high)?);
        // Strictly between the bounds of one column, those behind it are free.
        break;
    }
    Some(way)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.strip_suffix(end)
}

/// The values of a bound; `None` for MINVALUE, MAXVALUE and NULL.
fn values(list: &str) -> Vec<Option<String>> {
    let value = |part: String| {
        let part = part.trim().to_owned();
        if let Some(text) = part.strip_prefix('\'') {
            let (text, _) = text.rsplit_once('\'')?;
            return Some(text.replace("''", "'"));
        }
        let is_end = matches!(part.as_str(), "MINVALUE" | "MAXVALUE" | "NULL");
        (!is_end).then(|| part.trim_matches(['(', ')']).to_owned())
    };
    Structure::split_list(list).into_iter().map(value).collect()
}

const DAY_S: i64 = 86_400;

/// Values from `low` up to, but without, `high`.
fn span(
    table: &Table,
    column: &str,
    low: Option<&str>,
    high: Option<&str>,
) -> Option<GeneratorSpec> {
    let TypeKind::Base { name, .. } = &table.column(column)?.ty.base().kind else {
        return None;
    };
    match name.as_str() {
        "int2" | "int4" | "int8" | "numeric" => {
            let low: Option<i64> = low.and_then(|low| low.parse().ok());
            let high: Option<i64> = high.and_then(|high| high.parse().ok());
            let min = low.unwrap_or_else(|| high.map_or(1, |high| high.saturating_sub(10_000)));
            let max = high.map_or(min.saturating_add(10_000), |high| high - 1);
            (min <= max).then_some({
                GeneratorSpec::Int(int::Int {
                    min,
                    max,
                    skew: 0.0,
                })
            })
        }
        "date" | "timestamp" | "timestamptz" => {
            let (low, high) = (low.and_then(moment), high.and_then(moment));
            let years = |years: i64| jiff::SignedDuration::from_secs(years * 365 * DAY_S);
            let from = low.or_else(|| high?.checked_sub(years(1)).ok())?;
            let until = high.or_else(|| from.checked_add(years(1)).ok())?;
            // The last moment belongs to the next partition.
            let until = until.checked_sub(jiff::SignedDuration::from_secs(1)).ok()?;
            (from <= until).then_some({
                GeneratorSpec::Timestamp(timestamp::Timestamp {
                    from,
                    until,
                    increasing: false,
                    days: false,
                })
            })
        }
        // The lower bound is in.
        _ => Some(literal([low?])),
    }
}

/// A date or a time stamp as the server writes it: `2025-01-01 00:00:00+00`.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(10)?;
    let rest = rest.trim();
    let at = rest.rfind(['+', '-']);
    let (time, zone) = rest.split_at(at.unwrap_or(rest.len()));
    let time = if time.is_empty() { "00:00:00" } else { time };
    let zone = match zone.len() {
        0 => "+00:00".to_owned(),
        3 => format!("{zone}:00"),
        _ => zone.to_owned(),
    };
    format!("{day}T{time}{zone}").parse().ok()
}

/// One generator for several partitions of the same column.
fn joined(specs: Vec<GeneratorSpec>) -> GeneratorSpec {
    use crate::seed::generators::mix::{Mix, Part};
    if specs.len() == 1 {
        return specs.into_iter().next().expect("there is one");
    }
    let texts: Option<Vec<String>> = specs
        .iter()
        .map(|spec| match spec {
            GeneratorSpec::Literal(Literal { any, .. }) => Some(any.clone()),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()
        .map(|lists| lists.concat());
    if let Some(texts) = texts {
        return literal(texts);
    }
    let one = |value: GeneratorSpec| Part { weight: 1.0, value };
    joined_moments(&specs)
        .unwrap_or_else(|| GeneratorSpec::Mix(Mix(specs.into_iter().map(one).collect())))
}

/// Months that follow on each other are one long time.
fn joined_moments(specs: &[GeneratorSpec]) -> Option<GeneratorSpec> {
    let mut spans: Vec<(jiff::Timestamp, jiff::Timestamp)> = specs
        .iter()
        .map(|spec| match spec {
            GeneratorSpec::Timestamp(moments) => Some((moments.from, moments.until)),
            _ => None,
        })
        .collect::<Option<_>>()?;
    spans.sort();
    let follows = |pair: &[(jiff::Timestamp, jiff::Timestamp)]| {
        pair[1].0.as_second() - pair[0].1.as_second() <= 1
    };
    spans.windows(2).all(follows).then(|| {
        let (from, until) = (spans[0].0, spans[spans.len() - 1].1);
        GeneratorSpec::Timestamp(timestamp::Timestamp {
            from,
            until,
            increasing: true,
            days: false,
        })
    })
}
