//! Documents: what generated columns take out of a JSON column is in it, as values of their types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::draft::{Draft, Drafts};
use super::types;
use crate::seed::generators::GeneratorSpec;
use crate::seed::generators::json::Json;
use crate::seed::structure::{Column, ColumnType, FilledBy, TypeKind};

/// `-> 'a'::text`, `#>> '{a,b}'::text[]`, as the server writes them.
static STEP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:->>?|#>>?) '((?:[^']|'')*)'::text(?:\[\])?").expect("it is valid")
});

/// Types whose values are in JSON what a cast reads.
const PLAIN: [&str; 14] = [
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "uuid",
    "date",
    "timestamp",
    "timestamptz",
];

pub(super) fn choose(drafts: &mut Drafts<'_>) {
    for draft in drafts.tables.values_mut() {
        let mut documents: BTreeMap<String, Json> = BTreeMap::new();
        let columns = draft.table.columns.iter();
        let mut generated: Vec<&Column> = columns
            .filter(|column| column.filled_by == FilledBy::Generated)
            .collect();
        // What is taken as it is says more than what goes into a search.
        generated.sort_by_key(|column| !is_plain(&column.ty));
        for column in generated {
            let sql = column.default.as_deref().unwrap_or_default();
            let Some(document) = document(draft, sql) else {
                continue;
            };
            for path in paths(sql) {
                if let Some(value) = value(draft, column) {
                    let object = documents.entry(document.clone()).or_default();
                    put(object, &path, value);
                }
            }
        }
        for (column, object) in documents {
            let why = "what generated columns take out of it";
            draft.set(&column, GeneratorSpec::Json(object), why);
        }
    }
}

fn is_plain(ty: &ColumnType) -> bool {
    match &ty.base().kind {
        TypeKind::Enum(_) => true,
        TypeKind::Base { name, .. } => PLAIN.contains(&name.as_str()),
        _ => false,
    }
}

/// The only JSON column of an expression.
fn document(draft: &Draft<'_>, sql: &str) -> Option<String> {
    let is_json = |name: &String| {
        let column = draft.table.column(name);
        let kind = column.map(|column| &column.ty.base().kind);
        matches!(kind, Some(TypeKind::Base { name, .. }) if name == "jsonb" || name == "json")
    };
    let mut named = draft.table.names_in(sql).into_iter().filter(is_json);
    named.next().filter(|_| named.next().is_none())
}

/// The paths that an expression takes: `(doc -> 'a'::text) ->> 'b'::text` takes `a`, `b`.
fn paths(sql: &str) -> Vec<Vec<String>> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut end = None;
    for found in STEP.captures_iter(sql) {
        let whole = found.get(0).expect("the whole always matches");
        let key = found[1].replace("''", "'");
        let keys: Vec<String> = match key.strip_prefix('{').and_then(|key| key.strip_suffix('}')) {
            Some(keys) => keys
                .split(',')
                .map(|key| key.trim().trim_matches('"').to_owned())
                .collect(),
            None => vec![key],
        };
        let goes_on = end.is_some_and(|end: usize| {
            let between = &sql[end..whole.start()];
            between.chars().all(|letter| ") ".contains(letter))
        });
        match paths.last_mut().filter(|_| goes_on) {
            Some(path) => path.extend(keys),
            None => paths.push(keys),
        }
        end = Some(whole.end());
    }
    paths
}

/// A value as the column would hold it; a text where the column is made of more than that.
fn value(draft: &Draft<'_>, column: &Column) -> Option<GeneratorSpec> {
    let mut column = Column {
        default: None,
        ..column.clone()
    };
    if !is_plain(&column.ty) {
        let (name, modifier) = ("text".to_owned(), -1);
        column.ty = ColumnType {
            sql: name.clone(),
            kind: TypeKind::Base { name, modifier },
        };
    }
    Some(types::choose(&draft.words, &column)?.spec)
}

/// Puts a value at a path where none is yet.
fn put(object: &mut Json, path: &[String], value: GeneratorSpec) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.0.entry(key.clone()).or_insert(value);
        return;
    }
    let inner = GeneratorSpec::Json(Json::default());
    if let GeneratorSpec::Json(inner) = object.0.entry(key.clone()).or_insert(inner) {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_follow_each_other_are_one_path() {
        for (sql, expected) in [
            ("(doc ->> 'a'::text)", "a"),
            ("(((doc -> 'a'::text) ->> 'b'::text))::boolean", "a.b"),
            ("f((doc #>> '{a, b}'::text[]))", "a.b"),
            ("((doc ->> 'a'::text) || (doc ->> 'it''s'::text))", "a|it's"),
            ("(x || ' -> '::text)", ""),
        ] {
            let found: Vec<String> = paths(sql).iter().map(|path| path.join(".")).collect();
            assert_eq!(found.join("|"), expected, "{sql}");
        }
    }
}
