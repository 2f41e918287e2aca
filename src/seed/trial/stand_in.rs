//! Other generators for columns that keys or other tables depend on: another way to write their values may meet a check
//! that is not understood.

use std::collections::{BTreeMap, BTreeSet};

use super::{Settling, Violation, attempt};
use crate::seed::conditions;
use crate::seed::dataset::TableSpec;
use crate::seed::generators::{
    GeneratorSpec, code, email, hex, int, literal, nullable, title, username, uuid, web,
};
use crate::seed::structure::{Column, FilledBy, ForeignKey, Table, TypeKind};
use crate::seed::{Error, layout};

/// Parents that a child may have where checks exclude some.
const MOST_NUMBERS: u64 = 100;

impl Settling<'_> {
    /// Tries them one by one. Returns the reasons of the columns that changed, or nothing if a check is still violated.
    pub(super) async fn stand_in(
        &self,
        name: &str,
        spec: &mut TableSpec,
        described: &BTreeSet<String>,
        violations: &[Violation],
    ) -> Result<Option<BTreeMap<String, String>>, Error> {
        let table = &self.structure.tables[name];
        let mut left: Vec<Violation> = violations.to_vec();
        let before = &self.inferred.tables[name].columns;
        let is_changed =
            |(column, now): &(&String, &GeneratorSpec)| before.get(*column) != Some(*now);
        let changed = spec.columns.iter().filter(is_changed);
        let mut why: BTreeMap<_, _> = changed
            .map(|(column, _)| (column.clone(), "tried on the server".to_owned()))
            .collect();
        for column in &table.columns {
            let is_open =
                column.filled_by == FilledBy::Default && !described.contains(&column.name);
            let is_in = |violation: &Violation| involves(table, violation, &column.name);
            if !is_open || !left.iter().any(is_in) {
                continue;
            }
            let mut keys = table.foreign_keys.iter();
            let now = spec.columns.get(&column.name);
            let others = match keys.find(|key| key.columns.contains(&column.name)) {
                Some(key) => self.numbers_of_parents(key, now, violations),
                None => others(column, now),
            };
            for other in others {
                let before = spec.columns.insert(column.name.clone(), other);
                let found = self.violations_of(name, spec).await?;
                if let Some(found) = found.filter(|found| found.len() < left.len()) {
                    let check = left.iter().find(|violation| is_in(violation));
                    let check = check.map_or("", |violation| &violation.check.name);
                    why.insert(
                        column.name.clone(),
                        format!("tried on the server for CHECK {check}"),
                    );
                    left = found;
                    break;
                }
                match before {
                    Some(before) => spec.columns.insert(column.name.clone(), before),
                    None => spec.columns.remove(&column.name),
                };
            }
        }
        Ok(left.is_empty().then_some(why))
    }

    /// Where a table's rows are numbered, the numbers that the violated checks name are known to be there, or the others.
    fn numbers_of_parents(
        &self,
        key: &ForeignKey,
        now: Option<&GeneratorSpec>,
        violations: &[Violation],
    ) -> Vec<GeneratorSpec> {
        let ([of_parent], Some(parent)) = (
            key.parent_columns.as_slice(),
            self.inferred.tables.get(&key.parent),
        ) else {
            return Vec::new();
        };
        let is_numbered = matches!(
            parent.columns.get(of_parent),
            Some(GeneratorSpec::Sequence(sequence)) if sequence.start == 1
        );
        let ratio = match parent.children_of {
            Some(_) => return Vec::new(),
            None => parent.rows_per_main.unwrap_or(1.0),
        };
        let rows = parent
            .rows
            .unwrap_or((self.spec.rows as f64 * ratio) as u64);
        let sql = violations.iter().map(|violation| &violation.check.sql);
        let named: BTreeSet<u64> = sql
            .flat_map(|sql| conditions::literals(sql))
            .filter_map(|text| text.parse().ok())
            .filter(|number| (1..=rows).contains(number))
            .collect();
        if !is_numbered || named.is_empty() {
            return Vec::new();
        }
        let others = (1..=rows.min(MOST_NUMBERS)).filter(|number| !named.contains(number));
        let nulls = match now {
            Some(GeneratorSpec::Nullable(nullable)) => nullable.nulls,
            _ => 0.0,
        };
        [named.iter().copied().collect(), others.collect::<Vec<_>>()]
            .into_iter()
            .filter(|numbers| !numbers.is_empty())
            .map(|numbers| {
                let any = numbers.iter().map(u64::to_string).collect();
                with_nulls(
                    nulls,
                    GeneratorSpec::Literal(literal::Literal {
                        any,
                        in_order: false,
                    }),
                )
            })
            .collect()
    }

    /// What rows of a table would violate, or nothing if they cannot be made.
    async fn violations_of(
        &self,
        name: &str,
        table: &TableSpec,
    ) -> Result<Option<Vec<Violation>>, Error> {
        let mut spec = self.spec.clone();
        spec.dataset.main.clone_from(&self.inferred.main);
        spec.dataset.tables = self.inferred.tables.clone();
        spec.dataset.tables.insert(name.to_owned(), table.clone());
        let tables = BTreeSet::from([name.to_owned()]);
        let Ok(layouts) = layout::of(self.client, &spec, &tables).await else {
            return Ok(None);
        };
        let found = attempt::all(self.client, self.structure, &layouts, self.refused).await?;
        Ok(Some(found))
    }
}

/// Whether a column has a part in what is violated. What a type refuses without naming a column may be computed from it.
fn involves(table: &Table, violation: &Violation, column: &str) -> bool {
    let named = &violation.check.columns;
    let is_computed_from = || {
        let computed = table
            .columns
            .iter()
            .filter(|other| other.filled_by == FilledBy::Generated)
            .filter_map(|other| other.default.as_deref());
        computed
            .flat_map(|sql| table.names_in(sql))
            .any(|name| name == column)
    };
    named.iter().any(|name| name == column) || (named.is_empty() && is_computed_from())
}

fn others(column: &Column, now: Option<&GeneratorSpec>) -> Vec<GeneratorSpec> {
    let (nulls, now) = match now {
        Some(GeneratorSpec::Nullable(nullable)) => (nullable.nulls, Some(&*nullable.value)),
        now => (0.0, now),
    };
    let TypeKind::Base { name, modifier } = &column.ty.base().kind else {
        return Vec::new();
    };
    let max = usize::try_from(modifier - 4).ok();
    let others = match (name.as_str(), now) {
        ("text" | "varchar" | "bpchar" | "citext", _) => texts(max),
        (_, Some(GeneratorSpec::Int(now))) => smaller(now),
        _ => Vec::new(),
    };
    let all = others.into_iter();
    all.map(|value| with_nulls(nulls, value)).collect()
}

fn with_nulls(nulls: f64, value: GeneratorSpec) -> GeneratorSpec {
    if nulls == 0.0 {
        return value;
    }
    GeneratorSpec::Nullable(nullable::Nullable {
        nulls,
        value: Box::new(value),
    })
}

fn texts(max: Option<usize>) -> Vec<GeneratorSpec> {
    vec![
        GeneratorSpec::Slug(title::Slug { max }),
        GeneratorSpec::Username(username::Username { max }),
        GeneratorSpec::Hex(hex::Hex {
            length: max.unwrap_or(16).clamp(1, 16),
        }),
        GeneratorSpec::Code(code::Code::default()),
        GeneratorSpec::Uuid(uuid::Uuid {}),
        GeneratorSpec::Email(email::Email::default()),
        GeneratorSpec::Domain(web::Domain { max }),
        GeneratorSpec::Url(web::Url { max }),
    ]
}

fn smaller(now: &int::Int) -> Vec<GeneratorSpec> {
    let range = now.max.saturating_sub(now.min);
    [8, 64, 512, 4_096]
        .into_iter()
        .map(|divisor| now.min + range / divisor)
        .filter(|max| *max > now.min)
        .map(|max| GeneratorSpec::Int(int::Int { max, ..now.clone() }))
        .collect()
}
