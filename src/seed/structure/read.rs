//! Reads the structure from a database's catalogue: ten questions, whatever the number of tables.

use std::collections::{BTreeMap, HashMap};

use tokio_postgres::{Client, Config, Row};

use super::{
    Action, Check, Column, Exclusion, FilledBy, ForeignKey, Index, Key, KeyPart, PartitionOf,
    PartitionedBy, Strategy, Structure, Table, Trigger, type_of,
};
use crate::postgres::structure as catalogue;
use crate::provision;
use crate::seed::Error;

impl Structure {
    /// Reads it on a connection of its own.
    pub async fn of(config: &Config) -> Result<Structure, Error> {
        let client = provision::connect(config).await.map_err(Error::Connect)?;
        Structure::read(&client).await
    }

    /// Reads all tables of the database but those of extensions and of the system. Writes nothing.
    pub async fn read(client: &Client) -> Result<Structure, Error> {
        let checks = query(client, catalogue::CHECKS).await?;
        let types = type_of::Types::new(&query(client, catalogue::TYPES).await?, &checks);
        let mut tables = Tables::new(&query(client, catalogue::TABLES).await?);
        for row in query(client, catalogue::COLUMNS).await? {
            tables.of(&row).columns.push(column(&row, &types));
        }
        for row in query(client, catalogue::KEYS).await? {
            let table = tables.of(&row);
            let key = key(&row, table);
            table.keys.push(key);
        }
        for row in query(client, catalogue::INDEXES).await? {
            let table = tables.of(&row);
            let index = index(&row, table);
            table.indexes.push(index);
        }
        for row in query(client, catalogue::TRIGGERS).await? {
            tables.of(&row).triggers.push(Trigger {
                name: row.get("name"),
                on_insert: row.get("on_insert"),
                on_update: row.get("on_update"),
                on_delete: row.get("on_delete"),
            });
        }
        for row in query(client, catalogue::EXCLUSIONS).await? {
            let table = tables.of(&row);
            let exclusion = exclusion(&row, table);
            table.exclusions.push(exclusion);
        }
        for row in query(client, catalogue::FOREIGN_KEYS).await? {
            let Some(parent) = tables.names.get(&row.get("parent_oid")).cloned() else {
                continue;
            };
            tables.of(&row).foreign_keys.push(ForeignKey {
                name: row.get("name"),
                columns: row.get("columns"),
                parent,
                parent_columns: row.get("parent_columns"),
                match_full: row.get("match_full"),
                on_delete: action(row.get("on_delete")),
                on_update: action(row.get("on_update")),
            });
        }
        for row in &checks {
            if row.get::<_, Option<u32>>("table_oid").is_some() {
                let check = check(row);
                tables.of(row).checks.push(check);
            }
        }
        Ok(tables.finished())
    }
}

async fn query(client: &Client, sql: &str) -> Result<Vec<Row>, Error> {
    let rows = client.query(sql, &[]).await;
    rows.map_err(Error::doing("cannot read the structure of the tables"))
}

/// Tables while they are read.
struct Tables {
    names: HashMap<u32, String>,
    tables: HashMap<u32, Table>,
}

impl Tables {
    fn new(rows: &[Row]) -> Tables {
        let oid = |row: &Row| row.get::<_, u32>("table_oid");
        let names: HashMap<_, _> = rows.iter().map(|row| (oid(row), name(row))).collect();
        let tables = rows.iter().map(|row| (oid(row), table(row, &names)));
        Tables {
            tables: tables.collect(),
            names,
        }
    }

    /// The table that a row of an answer belongs to.
    fn of(&mut self, row: &Row) -> &mut Table {
        self.tables.entry(row.get("table_oid")).or_default()
    }

    fn finished(self) -> Structure {
        let Tables { names, mut tables } = self;
        for table in tables.values_mut() {
            let columns = Table {
                columns: table.columns.clone(),
                ..Table::default()
            };
            for part in table.partitioned_by.iter_mut().flat_map(|by| &mut by.parts) {
                if let KeyPart::Expression {
                    sql,
                    columns: named,
                } = part
                {
                    *named = columns.names_in(sql);
                }
            }
        }
        // A table that came up after the first question has no name, and is not there.
        let named = |(oid, table)| Some((names.get(&oid)?.clone(), table));
        let mut tables: BTreeMap<_, _> = tables.into_iter().filter_map(named).collect();
        adopt(&mut tables);
        Structure { tables }
    }
}

/// A partition may have foreign keys, keys and triggers that the table it is a part of lacks: all rows that are put into
/// the table meet them, as any may get there.
fn adopt(tables: &mut BTreeMap<String, Table>) {
    let parts: Vec<(String, Table)> = tables
        .values()
        .filter_map(|part| Some((part.partition_of.as_ref()?.parent.clone(), part.clone())))
        .collect();
    for (mut whole, part) in parts {
        while let Some(of) = tables
            .get(&whole)
            .and_then(|table| table.partition_of.as_ref())
        {
            whole.clone_from(&of.parent);
        }
        let Some(table) = tables.get_mut(&whole) else {
            continue;
        };
        for key in part.foreign_keys {
            let is_same =
                |known: &ForeignKey| known.columns == key.columns && known.parent == key.parent;
            if !table.foreign_keys.iter().any(is_same) {
                table.foreign_keys.push(key);
            }
        }
        for trigger in part.triggers {
            if !table
                .triggers
                .iter()
                .any(|known| known.name == trigger.name)
            {
                table.triggers.push(trigger);
            }
        }
        for key in part.keys {
            if !table.keys.iter().any(|known| known.parts == key.parts) {
                table.keys.push(Key {
                    primary: false,
                    ..key
                });
            }
        }
    }
}

/// As a dataset writes it. A point in a name would be taken for the one after a schema.
fn name(row: &Row) -> String {
    let (schema, name): (String, String) = (row.get("schema"), row.get("name"));
    if schema == "public" && !name.contains('.') {
        name
    } else {
        format!("{schema}.{name}")
    }
}

fn table(row: &Row, names: &HashMap<u32, String>) -> Table {
    let named = |oid: &u32| names.get(oid).cloned();
    let parent: Option<u32> = row.get("partition_of");
    let bound: Option<String> = row.get("bound");
    let inherits: Option<Vec<u32>> = row.get("inherits");
    Table {
        partitioned_by: partitioned_by(row),
        partition_of: parent
            .and_then(|oid| named(&oid))
            .zip(bound)
            .map(|(parent, bound)| PartitionOf { parent, bound }),
        inherits: inherits.iter().flatten().filter_map(named).collect(),
        has_rules: row.get("has_rules"),
        ..Table::default()
    }
}

fn partitioned_by(row: &Row) -> Option<PartitionedBy> {
    let strategy = match row.get::<_, Option<&str>>("strategy")? {
        "r" => Strategy::Range,
        "l" => Strategy::List,
        _ => Strategy::Hash,
    };
    let columns: Vec<Option<String>> = row.get("key_columns");
    let expressions: Option<String> = row.get("key_expressions");
    let mut expressions =
        Structure::split_list(expressions.as_deref().unwrap_or_default()).into_iter();
    let part = |column: Option<String>| match column {
        Some(column) => KeyPart::Column(column),
        None => KeyPart::Expression {
            sql: expressions.next().unwrap_or_default(),
            columns: Vec::new(),
        },
    };
    Some(PartitionedBy {
        strategy,
        parts: columns.into_iter().map(part).collect(),
    })
}

fn column(row: &Row, types: &type_of::Types) -> Column {
    let default: Option<String> = row.get("default_sql");
    let is_identity: bool = row.get("is_identity");
    let takes_numbers = |sql: &String| sql.starts_with("nextval(");
    let ty = types.column(
        row.get("type_oid"),
        row.get("modifier"),
        row.get("sql"),
        row.get("element_sql"),
    );
    Column {
        name: row.get("name"),
        not_null: row.get::<_, bool>("not_null") || ty.forbids_null(),
        ty,
        filled_by: if row.get("is_generated") {
            FilledBy::Generated
        } else if is_identity || default.as_ref().is_some_and(takes_numbers) {
            FilledBy::Sequence
        } else {
            FilledBy::Default
        },
        default,
    }
}

fn key(row: &Row, table: &Table) -> Key {
    Key {
        name: row.get("name"),
        primary: row.get("is_primary"),
        parts: parts(row, table),
        predicate: row.get("predicate"),
        nulls_equal: row.get("nulls_equal"),
        deferrable: row.get("is_deferrable"),
    }
}

fn index(row: &Row, table: &Table) -> Index {
    Index {
        name: row.get("name"),
        method: row.get("method"),
        parts: parts(row, table),
        predicate: row.get("predicate"),
        valid: row.get("is_valid"),
    }
}

fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

fn exclusion(row: &Row, table: &Table) -> Exclusion {
    let operators: Option<Vec<String>> = row.get("operators");
    let parts = parts(row, table);
    Exclusion {
        name: row.get("name"),
        parts: parts
            .into_iter()
            .zip(operators.unwrap_or_default())
            .collect(),
        predicate: row.get("predicate"),
    }
}

/// The columns and expressions of an index.
fn parts(row: &Row, table: &Table) -> Vec<KeyPart> {
    let columns: Vec<Option<String>> = row.get("columns");
    let expressions: Vec<Option<String>> = row.get("expressions");
    let part = |(column, expression): (Option<String>, Option<String>)| match column {
        Some(column) => KeyPart::Column(column),
        None => {
            let sql = expression.unwrap_or_default();
            KeyPart::Expression {
                columns: table.names_in(&sql),
                sql,
            }
        }
    };
    columns.into_iter().zip(expressions).map(part).collect()
}

pub(super) fn check(row: &Row) -> Check {
    let columns: Option<Vec<String>> = row.get("columns");
    Check {
        name: row.get("name"),
        sql: row.get("sql"),
        columns: columns.unwrap_or_default(),
    }
}

/// Checks of domains, by the domain.
pub(super) fn checks_of_domains(rows: &[Row]) -> BTreeMap<u32, Vec<Check>> {
    let mut checks = BTreeMap::<u32, Vec<Check>>::new();
    for row in rows {
        if let Some(domain) = row.get("type_oid") {
            checks.entry(domain).or_default().push(check(row));
        }
    }
    checks
}
