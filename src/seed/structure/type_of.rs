//! Types of columns, down to what they are made of.

use std::collections::{BTreeMap, HashMap};

use tokio_postgres::Row;

use super::{Check, ColumnType, TypeKind, read};

/// All types of a database, by number.
pub(super) struct Types {
    types: HashMap<u32, InCatalogue>,
    checks: BTreeMap<u32, Vec<Check>>,
}

struct InCatalogue {
    name: String,
    sql: String,
    kind: Kind,
}

enum Kind {
    Base,
    Enum(Vec<String>),
    Domain {
        base: u32,
        modifier: i32,
        sql: String,
        not_null: bool,
    },
    Array(u32),
    Range(u32),
    Multirange(u32),
    /// Name, type, modifier, type as SQL writes it.
    Composite(Vec<(String, u32, i32, String)>),
}

/// A composite type may hold an array of itself, but no value does for ever.
const DEEPEST: u8 = 8;

impl Types {
    pub(super) fn new(rows: &[Row], checks: &[Row]) -> Types {
        let types = rows
            .iter()
            .map(|row| (row.get("type_oid"), in_catalogue(row)));
        Types {
            types: types.collect(),
            checks: read::checks_of_domains(checks),
        }
    }

    /// A column's type; `element_sql` is that of an array's elements.
    pub(super) fn column(
        &self,
        oid: u32,
        modifier: i32,
        sql: String,
        element_sql: Option<String>,
    ) -> ColumnType {
        self.at(oid, modifier, sql, element_sql, 0)
    }

    fn at(
        &self,
        oid: u32,
        modifier: i32,
        sql: String,
        element_sql: Option<String>,
        depth: u8,
    ) -> ColumnType {
        let unknown = || TypeKind::Base {
            name: sql.clone(),
            modifier,
        };
        let Some(found) = self.types.get(&oid).filter(|_| depth < DEEPEST) else {
            return ColumnType {
                kind: unknown(),
                sql,
            };
        };
        let plain = |oid: u32| {
            let sql = self.types.get(&oid).map(|found| found.sql.clone());
            self.at(oid, -1, sql.unwrap_or_default(), None, depth + 1)
        };
        let kind = match &found.kind {
            Kind::Base => TypeKind::Base {
                name: found.name.clone(),
                modifier,
            },
            Kind::Enum(labels) => TypeKind::Enum(labels.clone()),
            Kind::Domain {
                base,
                modifier,
                sql,
                not_null,
            } => TypeKind::Domain {
                of: Box::new(self.at(*base, *modifier, sql.clone(), None, depth + 1)),
                not_null: *not_null,
                checks: self.checks.get(&oid).cloned().unwrap_or_default(),
            },
            Kind::Array(element) => {
                let sql = element_sql.or_else(|| sql.strip_suffix("[]").map(str::to_owned));
                let sql = sql.unwrap_or_default();
                TypeKind::Array(Box::new(self.at(*element, modifier, sql, None, depth + 1)))
            }
            Kind::Range(of) => TypeKind::Range(Box::new(plain(*of))),
            Kind::Multirange(of) => TypeKind::Multirange(Box::new(plain(*of))),
            Kind::Composite(fields) => {
                let field = |(name, oid, modifier, sql): &(String, u32, i32, String)| {
                    let ty = self.at(*oid, *modifier, sql.clone(), None, depth + 1);
                    (name.clone(), ty)
                };
                TypeKind::Composite(fields.iter().map(field).collect())
            }
        };
        ColumnType { sql, kind }
    }
}

fn in_catalogue(row: &Row) -> InCatalogue {
    let subtype = || row.get::<_, Option<u32>>("subtype_oid");
    let kind = match row.get::<_, &str>("kind") {
        "e" => Kind::Enum(row.get::<_, Option<_>>("labels").unwrap_or_default()),
        "d" => Kind::Domain {
            base: row.get("base_oid"),
            modifier: row.get("base_modifier"),
            sql: row.get("base_sql"),
            not_null: row.get("not_null"),
        },
        "r" => subtype().map_or(Kind::Base, Kind::Range),
        "m" => subtype().map_or(Kind::Base, Kind::Multirange),
        "c" => Kind::Composite(fields(row)),
        _ => row
            .get::<_, Option<u32>>("element_oid")
            .map_or(Kind::Base, Kind::Array),
    };
    InCatalogue {
        name: row.get("name"),
        sql: row.get("sql"),
        kind,
    }
}

fn fields(row: &Row) -> Vec<(String, u32, i32, String)> {
    let names: Vec<String> = row.get("field_names");
    let oids: Vec<u32> = row.get("field_oids");
    let modifiers: Vec<i32> = row.get("field_modifiers");
    let sql: Vec<String> = row.get("field_sql");
    let fields = names.into_iter().zip(oids).zip(modifiers).zip(sql);
    fields
        .map(|(((name, oid), modifier), sql)| (name, oid, modifier, sql))
        .collect()
}

impl ColumnType {
    /// Whether it is a domain that takes no NULL.
    pub(super) fn forbids_null(&self) -> bool {
        match &self.kind {
            TypeKind::Domain { of, not_null, .. } => *not_null || of.forbids_null(),
            _ => false,
        }
    }

    /// What it is under the domains.
    pub fn base(&self) -> &ColumnType {
        match &self.kind {
            TypeKind::Domain { of, .. } => of.base(),
            _ => self,
        }
    }
}
