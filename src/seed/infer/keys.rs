//! Primary and unique keys: generators that have enough values, and fewer rows where there are not enough.

use std::collections::BTreeSet;

use super::draft::{Draft, Drafts, Unique};
use super::forms::{choice, hex, int, moments, sequence, slug};
use super::sizes;
use crate::seed::context::Context;
use crate::seed::generators::{GeneratorSpec, code, timestamp::Timestamp};
use crate::seed::structure::{FilledBy, TypeKind};

/// Generators of unique columns are exchanged for ones that can be, and each set that needs care is noted.
pub(super) fn choose(drafts: &mut Drafts<'_>) {
    for draft in drafts.tables.values_mut() {
        let sets = draft.unique_sets();
        for set in &sets {
            if let [column] = set.columns.as_slice() {
                alone(draft, column, set);
            } else {
                together(draft, set);
            }
        }
        note_down(draft, sets);
    }
}

fn is_date(draft: &Draft<'_>, column: &str) -> bool {
    let found = draft.table.column(column);
    found.is_some_and(|found| found.ty.base().sql == "date")
}

/// Notes the sets whose columns are no longer what made them unique.
pub(super) fn note(drafts: &mut Drafts<'_>) {
    for draft in drafts.tables.values_mut() {
        note_down(draft, draft.unique_sets());
    }
}

/// A column that is unique by itself.
fn alone(draft: &mut Draft<'_>, column: &str, set: &Unique) {
    let Some(spec) = draft
        .spec
        .columns
        .get(column)
        .filter(|_| !draft.bounded.contains(column))
    else {
        return;
    };
    let key = if set.primary { "primary key" } else { "unique" };
    let why = format!("{key} {}", set.name);
    let limit = draft.text_limit(column);
    let fitting = match spec {
        GeneratorSpec::Int(_)
        | GeneratorSpec::Decimal(_)
        | GeneratorSpec::Price(_)
        | GeneratorSpec::Float(_) => sequence(),
        GeneratorSpec::Timestamp(found) if is_date(draft, column) => by_days(found),
        GeneratorSpec::Timestamp(_) | GeneratorSpec::After(_) => {
            moments("2020-01-01", "2026-01-01", true)
        }
        GeneratorSpec::Choice(_) if draft.is_text(column) => text(limit),
        GeneratorSpec::Fake(_)
        | GeneratorSpec::Literal(_)
        | GeneratorSpec::Pattern(_)
        | GeneratorSpec::Text(_)
            if draft.is_text(column) =>
        {
            text(limit)
        }
        GeneratorSpec::Country(_)
        | GeneratorSpec::City(_)
        | GeneratorSpec::Company(_)
        | GeneratorSpec::Product(_)
            if !draft.is_small() =>
        {
            text(limit)
        }
        _ => return,
    };
    draft.set(column, fitting, why);
}

/// Moments that go up differ, but their days do not where there are more rows.
fn by_days(found: &Timestamp) -> GeneratorSpec {
    GeneratorSpec::Timestamp(Timestamp {
        increasing: false,
        days: true,
        ..found.clone()
    })
}

/// Texts that no other row has, at most `limit` characters.
fn text(limit: Option<usize>) -> GeneratorSpec {
    match limit {
        Some(1) => choice(('a'..='z').map(String::from)),
        Some(limit @ 2..8) => hex(limit),
        Some(8..32) => GeneratorSpec::Code(code::Code::default()),
        _ => slug(limit),
    }
}

/// Columns that are unique together: what has few values gets more.
fn together(draft: &mut Draft<'_>, set: &Unique) {
    for column in &set.columns {
        let why = format!("unique {}", set.name);
        if draft.bounded.contains(column) {
            continue;
        }
        match draft.spec.columns.get(column) {
            // What is called the row's own number is that, also where a tenant or a day belongs to the key.
            Some(GeneratorSpec::Int(_)) if column.eq_ignore_ascii_case("id") => {
                draft.set(column, sequence(), why);
            }
            Some(GeneratorSpec::Int(found)) if found.skew > 0.0 || found.max < 100 => {
                let (min, max) = (found.min, found.max.max(100));
                draft.set(column, int(min, max), why);
            }
            Some(GeneratorSpec::Timestamp(found)) if is_date(draft, column) => {
                let found = by_days(found);
                draft.set(column, found, why);
            }
            Some(GeneratorSpec::Literal(_)) if draft.is_text(column) => {
                let limit = draft.text_limit(column);
                draft.set(column, text(limit), why);
            }
            _ => {}
        }
    }
}

/// Writes down the sets. Where two share a column, each column can only be dealt out for one of them: the other
/// set gets a column that is unique by itself.
fn note_down(draft: &mut Draft<'_>, sets: Vec<Unique>) {
    let mut noted: Vec<Vec<String>> = draft.spec.unique.clone();
    for set in sets {
        let by_itself = |column: &String| {
            let spec = draft.spec.columns.get(column);
            matches!(
                spec,
                Some(GeneratorSpec::Sequence(_) | GeneratorSpec::Uuid(_) | GeneratorSpec::Null(_))
            )
        };
        let is_line =
            |spec: Option<&GeneratorSpec>| matches!(spec, Some(GeneratorSpec::Ordinal(_)));
        let has_ordinal = set
            .columns
            .iter()
            .any(|column| is_line(draft.spec.columns.get(column)));
        let has_parent = set.columns.iter().any(|column| {
            matches!(
                draft.spec.columns.get(column),
                Some(GeneratorSpec::Parent(_))
            )
        });
        let only_child = has_parent
            && draft
                .spec
                .children_of
                .as_ref()
                .is_some_and(|children| children.max == 1);
        let is_met = noted
            .iter()
            .any(|known| known.iter().all(|column| set.columns.contains(column)));
        if is_met || set.columns.iter().any(by_itself) || (has_ordinal && has_parent) || only_child
        {
            continue;
        }
        let used: BTreeSet<String> = noted.iter().flatten().cloned().collect();
        if set.columns.iter().all(|column| !used.contains(column)) {
            noted.push(set.columns);
            continue;
        }
        let rank = |column: &&String| reluctance(draft.spec.columns.get(*column));
        let free = set
            .columns
            .iter()
            .filter(|column| !used.contains(*column))
            .min_by_key(rank);
        let by_itself = |column: &String| Unique {
            columns: vec![column.clone()],
            ..set.clone()
        };
        match free.cloned() {
            Some(column) => {
                alone(draft, &column, &by_itself(&column));
                noted.push(vec![column]);
            }
            None => {
                let column = set
                    .columns
                    .iter()
                    .min_by_key(rank)
                    .expect("a set has columns")
                    .clone();
                noted.retain(|known| !known.contains(&column));
                noted.push(vec![column]);
            }
        }
    }
    draft.spec.unique = noted;
}

/// Which column of a set is not to be made unique by itself if there is another: texts and numbers have more values than
/// references have rows.
fn reluctance(spec: Option<&GeneratorSpec>) -> u8 {
    match spec {
        Some(GeneratorSpec::After(_) | GeneratorSpec::Timestamp(_)) => 1,
        Some(GeneratorSpec::Reference(_)) => 2,
        Some(GeneratorSpec::Choice(_) | GeneratorSpec::Bool(_)) => 3,
        Some(GeneratorSpec::Parent(_) | GeneratorSpec::Ordinal(_)) => 4,
        _ => 0,
    }
}

/// Lowers the rows of tables whose unique sets have fewer values, until none changes: parents limit their children.
pub(super) fn limit(drafts: &mut Drafts<'_>) {
    for _ in 0..12 {
        let lowered = drafts.seen(|context| {
            let names = drafts
                .tables
                .keys()
                .filter(|name| !drafts.tables[*name].has_size);
            let tight = |name: &String| {
                let (most, why) = tightest(drafts, context, name)?;
                (most < context.rows[name]).then(|| (name.clone(), most, why))
            };
            names.filter_map(tight).collect::<Vec<_>>()
        });
        if lowered.is_empty() {
            break;
        }
        for (name, most, why) in lowered {
            if most == 0 {
                drafts.give_up(&name, why);
            } else {
                let grows = grows(drafts, &name);
                sizes::lower(drafts, &name, most, grows, why);
            }
        }
    }
}

/// The most rows that the table's unique sets, and the range of its sequences, leave room for.
fn tightest(drafts: &Drafts<'_>, context: &Context<'_>, name: &str) -> Option<(u64, String)> {
    let draft = &drafts.tables[name];
    let sets = context.most_rows(name).map(|most| {
        let sets: Vec<String> = draft
            .spec
            .unique
            .iter()
            .map(|set| set.join(" + "))
            .collect();
        (
            most,
            format!(
                "there are {most} values for what is unique: {}",
                sets.join(", ")
            ),
        )
    });
    let narrow = draft.table.columns.iter().filter_map(|column| {
        let is_sequence = matches!(
            draft.spec.columns.get(&column.name),
            Some(GeneratorSpec::Sequence(_))
        );
        let most = match column.ty.base().sql.as_str() {
            _ if !is_sequence => return None,
            // The sequence goes on behind the last row.
            "smallint" => 32_000,
            "integer" => 2_147_000_000,
            sql if sql.starts_with("numeric(") => digits(&column.ty.base().kind)?,
            _ => return None,
        };
        Some((most, format!("{} takes numbers up to {most}", column.name)))
    });
    sets.into_iter().chain(narrow).min_by_key(|(most, _)| *most)
}

fn digits(kind: &TypeKind) -> Option<u64> {
    let TypeKind::Base { modifier, .. } = kind else {
        return None;
    };
    let packed = u32::try_from(*modifier - 4).ok()?;
    let whole = (packed >> 16).saturating_sub(packed & 0x7ff);
    10u64.checked_pow(whole).map(|limit| limit - 1)
}

/// Whether what limits a table becomes more with the dataset: rows of a table that does.
fn grows(drafts: &Drafts<'_>, name: &str) -> bool {
    let draft = &drafts.tables[name];
    draft.spec.unique.iter().flatten().any(|column| {
        match draft.spec.columns.get(column).map(without_nulls) {
            Some(GeneratorSpec::Reference(reference)) => {
                let parent = reference
                    .column
                    .rsplit_once('.')
                    .map_or("", |(table, _)| table);
                sizes::grows(drafts, parent)
            }
            Some(GeneratorSpec::Parent(_)) => draft
                .spec
                .children_of
                .as_ref()
                .is_some_and(|children| sizes::grows(drafts, &children.table)),
            _ => false,
        }
    })
}

fn without_nulls(spec: &GeneratorSpec) -> &GeneratorSpec {
    match spec {
        GeneratorSpec::Nullable(nullable) => &nullable.value,
        spec => spec,
    }
}

impl Draft<'_> {
    /// The most characters that a text column takes.
    pub(super) fn text_limit(&self, column: &str) -> Option<usize> {
        match &self.table.column(column)?.ty.base().kind {
            TypeKind::Base { name, modifier } if name == "varchar" || name == "bpchar" => {
                usize::try_from(modifier - 4).ok()
            }
            TypeKind::Base { name, .. } if name == "name" => Some(63),
            _ => None,
        }
    }

    pub(super) fn is_text(&self, column: &str) -> bool {
        let kind = self
            .table
            .column(column)
            .map(|column| &column.ty.base().kind);
        matches!(kind, Some(TypeKind::Base { name, .. }) if matches!(name.as_str(), "text" | "varchar" | "bpchar" | "citext" | "name"))
    }

    /// A table of a fixed, small number of rows.
    pub(super) fn is_small(&self) -> bool {
        self.spec.rows.is_some_and(|rows| rows <= 200)
    }

    /// Columns that a sequence or an identity fills.
    pub(super) fn sequences(&self) -> impl Iterator<Item = &str> {
        let columns = self.table.columns.iter();
        columns
            .filter(|column| column.filled_by == FilledBy::Sequence)
            .map(|column| column.name.as_str())
    }
}
