//! What the queries are derived from, and the few questions that all of them ask of it.

use std::collections::BTreeMap;

use squawk_syntax::quote::quote_quoted_ident;

use crate::postgres::relation::RelationName;
use crate::rehearse::workload::Param;
use crate::seed::dataset::TableSpec;
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::{Column, ColumnType, FilledBy, ForeignKey, KeyPart, Structure, Table};

/// All tables, how they are filled, and how many rows they have.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) structure: &'a Structure,
    pub(super) tables: &'a BTreeMap<String, TableSpec>,
    pub(super) rows: &'a BTreeMap<String, u64>,
}

/// One table among them.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) data: Data<'a>,
    pub(super) name: &'a str,
    pub(super) table: &'a Table,
}

/// A statement while it is written.
#[derive(Default)]
pub(super) struct Bindings(pub(super) Vec<Param>);

impl Bindings {
    /// Adds a parameter: `$3`.
    pub(super) fn bind(&mut self, param: Param) -> String {
        self.0.push(param);
        format!("${}", self.0.len())
    }
}

impl<'a> Data<'a> {
    pub(super) fn subject(self, name: &str) -> Option<Subject<'a>> {
        let (name, table) = self.structure.tables.get_key_value(name)?;
        Some(Subject {
            data: self,
            name,
            table,
        })
    }

    pub(super) fn rows(self, table: &str) -> u64 {
        self.rows.get(table).copied().unwrap_or(0)
    }

    /// The one generator of a column's values, where they come from one that stands alone.
    pub(super) fn generator(self, table: &str, column: &str) -> Option<&'a GeneratorSpec> {
        let spec = self.tables.get(table)?;
        let in_cases = |case: &crate::seed::dataset::Case| case.columns.contains_key(column);
        if spec.kept || spec.cases.iter().any(in_cases) {
            return None;
        }
        spec.columns.get(column)
    }

    /// The foreign keys that lead to a table or to a part of it, with the tables that have them.
    pub(super) fn references(self, name: &str) -> impl Iterator<Item = (&'a str, &'a ForeignKey)> {
        let all = self.structure.tables.iter();
        let keys = all.flat_map(|(child, table)| {
            table
                .foreign_keys
                .iter()
                .map(move |key| (child.as_str(), key))
        });
        keys.filter(move |(_, key)| self.whole(&key.parent) == name)
    }

    /// The table itself, or what it is a part of.
    fn whole(self, name: &'a str) -> &'a str {
        let mut name = name;
        while let Some(of) = self
            .structure
            .tables
            .get(name)
            .and_then(|table| table.partition_of.as_ref())
        {
            name = &of.parent;
        }
        name
    }
}

impl<'a> Subject<'a> {
    pub(super) fn rows(self) -> u64 {
        self.data.rows(self.name)
    }

    /// Its name as SQL has it; without the schema where that is `public`.
    pub(super) fn sql(self) -> String {
        let RelationName { schema, name } = RelationName::from(self.name.to_owned());
        match schema.as_str() {
            "public" => quote_quoted_ident(&name),
            _ => format!(
                "{}.{}",
                quote_quoted_ident(&schema),
                quote_quoted_ident(&name)
            ),
        }
    }

    /// Its name for people: the last part.
    pub(super) fn title(self) -> String {
        RelationName::from(self.name.to_owned()).name
    }

    /// All its columns, with a qualifier before each: `o.id, o.total`.
    pub(super) fn columns(self, qualifier: &str) -> String {
        let names = self.table.columns.iter().map(|column| &column.name);
        list(names.map(|name| format!("{qualifier}{}", quote_quoted_ident(name))))
    }

    pub(super) fn column(self, name: &str) -> Option<&'a Column> {
        self.table.column(name)
    }

    /// The foreign key that a column is alone in.
    pub(super) fn foreign_key(self, column: &str) -> Option<&'a ForeignKey> {
        let mut keys = self.table.foreign_keys.iter();
        keys.find(|key| key.columns.len() == 1 && key.columns[0] == column)
    }

    /// Its values are consecutive numbers.
    pub(super) fn is_dense(self, column: &str) -> bool {
        let by_sequence = |column: &Column| column.filled_by == FilledBy::Sequence;
        self.column(column).is_some_and(by_sequence)
            || matches!(
                self.data.generator(self.name, column),
                Some(GeneratorSpec::Sequence(_))
            )
    }

    /// All indexes that queries may go by: the keys' of one column first, then those of many columns before those of few.
    pub(super) fn paths(self) -> Vec<Path<'a>> {
        let keys = self.table.keys.iter().map(|key| Path {
            parts: &key.parts,
            predicate: key.predicate.as_deref(),
            method: "btree",
            unique: true,
        });
        let indexes = self.table.indexes.iter().filter(|index| index.valid);
        let indexes = indexes.map(|index| Path {
            parts: &index.parts,
            predicate: index.predicate.as_deref(),
            method: &index.method,
            unique: false,
        });
        let mut paths: Vec<_> = keys.chain(indexes).collect();
        paths.sort_by_key(|path| (!path.finds_one(), std::cmp::Reverse(path.parts.len())));
        paths
    }

    /// Whether an index of a tree over all rows begins with the column.
    pub(super) fn leads_a_path(self, column: &str) -> bool {
        self.paths().iter().any(|path| {
            path.method == "btree"
                && path.predicate.is_none()
                && matches!(path.parts.first(), Some(KeyPart::Column(first)) if first == column)
        })
    }
}

/// An index as a way to rows.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) parts: &'a [KeyPart],
    pub(super) predicate: Option<&'a str>,
    pub(super) method: &'a str,
    pub(super) unique: bool,
}

impl Path<'_> {
    /// It has one row at most for a value.
    pub(super) fn finds_one(&self) -> bool {
        self.unique && self.parts.len() == 1
    }
}

/// Names as SQL has them, with commas between.
pub(super) fn names<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    list(names.into_iter().map(|name| quote_quoted_ident(name)))
}

pub(super) fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// The catalogue's name of a type under its domains; `enum` for all of those.
pub(super) fn type_name(ty: &ColumnType) -> &str {
    use crate::seed::structure::TypeKind;
    match &ty.base().kind {
        TypeKind::Base { name, .. } => name,
        TypeKind::Enum(_) => "enum",
        _ => "",
    }
}

pub(super) fn is_time(ty: &ColumnType) -> bool {
    ["timestamptz", "timestamp", "date"].contains(&type_name(ty))
}

pub(super) fn is_int(ty: &ColumnType) -> bool {
    ["int2", "int4", "int8"].contains(&type_name(ty))
}
