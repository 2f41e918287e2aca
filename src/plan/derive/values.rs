//! Where a parameter's values come from: a column that holds them, or the generator that filled it.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use super::data::{Bindings, Data, Subject, is_int, type_name};
use crate::rehearse::workload::{ColumnParam, Param};
use crate::seed::context::Context;
use crate::seed::encode::Encoding;
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::{ColumnType, FilledBy, TypeKind};
use crate::seed::value::Shape;

/// A nullable column has a value to choose with this many rows that are expected to have one.
const VALUES_MIN: f64 = 50.0;

/// Types whose values go in binary form from a column into a parameter.
const HELD: [Type; 25] = [
    Type::BOOL,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::MONEY,
    Type::TEXT,
    Type::VARCHAR,
    Type::BPCHAR,
    Type::UUID,
    Type::DATE,
    Type::TIME,
    Type::TIMETZ,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
    Type::JSONB,
    Type::JSON,
    Type::BYTEA,
    Type::INET,
    Type::CIDR,
    Type::MACADDR,
    Type::OID,
];

/// A made value, and how it is written.
pub(super) struct Made<'a> {
    spec: &'a GeneratorSpec,
    shape: Shape,
    /// Only the server can read it as this type.
    as_text: Option<&'a str>,
}

impl<'a> Made<'a> {
    /// What fills a column, if it can be had for itself: without other columns, rows or tables.
    pub(super) fn of(subject: Subject<'a>, column: &str) -> Option<Made<'a>> {
        let spec = subject.data.generator(subject.name, column)?;
        let ty = &subject.column(column)?.ty;
        if matches!(spec, GeneratorSpec::Sequence(_)) {
            return None;
        }
        let nothing = BTreeMap::new();
        let alone = Context {
            tables: &nothing,
            rows: BTreeMap::new(),
            seed: 0,
            is_snapshot: false,
        };
        let shape = spec.build(&alone.free("")).ok()?.shape();
        Some(Made {
            spec,
            as_text: (!travels(ty, &shape)).then_some(&ty.sql),
            shape,
        })
    }

    /// A moment like those of the column.
    pub(super) fn moment(subject: Subject<'_>, column: &str) -> Option<Param> {
        let made = Made::of(subject, column).filter(|made| made.as_text.is_none())?;
        let is_moment = matches!(made.shape, Shape::Timestamp { .. });
        is_moment.then(|| Param::Made(made.spec.clone()))
    }

    /// `$2`, or `$2::text::integer[]` for what only the server reads.
    pub(super) fn bind(&self, bindings: &mut Bindings) -> String {
        let number = bindings.bind(Param::Made(self.spec.clone()));
        match self.as_text {
            Some(sql) => format!("{number}::text::{sql}"),
            None => number,
        }
    }

    /// No two values are the same.
    pub(super) fn is_new(&self) -> bool {
        self.shape == Shape::Uuid
    }

    /// So many values that two are seldom the same.
    pub(super) fn is_rich(&self) -> bool {
        matches!(self.shape, Shape::Text { .. } | Shape::Uuid)
    }
}

/// Whether values of the shape are sent as they are.
fn travels(ty: &ColumnType, shape: &Shape) -> bool {
    match &ty.base().kind {
        TypeKind::Enum(_) => true,
        TypeKind::Base { name, .. } => {
            let known = HELD.iter().find(|known| known.name() == name);
            let encoding = known.and_then(Encoding::of);
            encoding.is_some_and(|encoding| encoding.takes(shape))
        }
        _ => false,
    }
}

/// A value that rows of the table have in the column.
pub(super) fn held(subject: Subject<'_>, column: &str, skew: f64) -> Option<Param> {
    let data = subject.data;
    if let Some(key) = subject.foreign_key(column)
        && let Some(parent) = data.subject(&key.parent)
        && parent.column(&key.parent_columns[0])?.not_null
        && parent.rows() > 0
    {
        return by_name(&key.parent, &key.parent_columns[0], skew);
    }
    let found = subject.column(column)?;
    let is_known = HELD.iter().any(|ty| ty.name() == type_name(&found.ty));
    if !(is_known || type_name(&found.ty) == "enum") || !has_values(data, subject.name, column) {
        return None;
    }
    // Between the least and the greatest whole number there may be many that no row has.
    if is_int(&found.ty) && !subject.is_dense(column) {
        return None;
    }
    by_name(subject.name, column, skew)
}

/// A value to look for by an index.
pub(super) fn looked_for(
    subject: Subject<'_>,
    column: &str,
    skew: f64,
    bindings: &mut Bindings,
) -> Option<String> {
    let found = subject.column(column)?;
    let is_key = subject.foreign_key(column).is_some() || subject.is_dense(column);
    // A few values, which the generator knows, or moments: these need no look into the table.
    let is_made = |made: &Made<'_>| {
        matches!(
            made.shape,
            Shape::Bool | Shape::Int { .. } | Shape::Label(_) | Shape::Timestamp { .. }
        )
    };
    if let Some(made) = Made::of(subject, column).filter(|made| !is_key && is_made(made)) {
        return Some(made.bind(bindings));
    }
    // A partitioned table is not sampled, but read from end to end.
    if subject.table.partitioned_by.is_some() && !is_key && !is_int(&found.ty) {
        return None;
    }
    held(subject, column, skew).map(|param| bindings.bind(param))
}

/// Whether some row has a value in the column, which a parameter needs.
fn has_values(data: Data<'_>, table: &str, column: &str) -> bool {
    let Some(subject) = data.subject(table).filter(|subject| subject.rows() > 0) else {
        return false;
    };
    let Some(found) = subject.column(column) else {
        return false;
    };
    let with_value = match data.generator(table, column) {
        _ if found.not_null || found.filled_by == FilledBy::Sequence => return true,
        None | Some(GeneratorSpec::Null(_)) => 0.0,
        Some(GeneratorSpec::Nullable(nullable)) if !nullable.value.cores().is_empty() => {
            1.0 - nullable.nulls
        }
        Some(GeneratorSpec::Mix(_) | GeneratorSpec::By(_) | GeneratorSpec::Nullable(_)) => 0.0,
        // A column of another row, or of this one, may be NULL there.
        Some(GeneratorSpec::Same(_) | GeneratorSpec::After(_) | GeneratorSpec::Parent(_)) => 0.0,
        Some(_) => 1.0,
    };
    subject.rows() as f64 * with_value >= VALUES_MIN
}

/// A point in a name cannot be told from the one between names.
pub(super) fn by_name(table: &str, column: &str, skew: f64) -> Option<Param> {
    if column.contains('.') || table.matches('.').count() > 1 {
        return None;
    }
    Some(Param::Column(ColumnParam {
        column: format!("{table}.{column}"),
        skew,
    }))
}
