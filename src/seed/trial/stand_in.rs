//! Other generators for columns that keys or other tables depend on: another way to write their values may meet a check
//! that is not understood.

use std::collections::{BTreeMap, BTreeSet};

use super::{Settling, Violation, attempt};
use crate::seed::dataset::TableSpec;
use crate::seed::generators::{
    GeneratorSpec, code, email, hex, int, nullable, title, username, uuid, web,
};
use crate::seed::structure::{Column, FilledBy, Table, TypeKind};
use crate::seed::{Error, layout};

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
        let mut why = BTreeMap::new();
        for column in &table.columns {
            let depends =
                |key: &crate::seed::structure::ForeignKey| key.columns.contains(&column.name);
            let is_open = column.filled_by == FilledBy::Default
                && !described.contains(&column.name)
                && !table.foreign_keys.iter().any(depends);
            let is_in = |violation: &Violation| involves(table, violation, &column.name);
            if !is_open || !left.iter().any(is_in) {
                continue;
            }
            for other in others(column, spec.columns.get(&column.name)) {
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
        let found = attempt::all(self.client, self.structure, &layouts).await?;
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
    let nullable = |value| match nulls > 0.0 {
        true => GeneratorSpec::Nullable(nullable::Nullable {
            nulls,
            value: Box::new(value),
        }),
        false => value,
    };
    others.into_iter().map(nullable).collect()
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
