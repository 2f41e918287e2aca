//! What the catalogue holds before and after: relations, and what a failure left behind.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use super::log;
use crate::postgres::{LockMode, RelationKind, RelationName, Version};
use crate::provision::Settings;

/// A relation and whether the migration made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationFacts {
    pub name: RelationName,
    pub kind: RelationKind,
    /// The table that an index or a toast table belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<RelationName>,
    pub created_here: bool,
}

/// The relations of a database by object id, and a line for every object worth comparing.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    relations: BTreeMap<u32, RelationFacts>,
    objects: BTreeSet<String>,
}

/// Reads the catalogue. Takes no lock on any user's table.
pub async fn read(client: &Client) -> Result<Catalogue, tokio_postgres::Error> {
    let mut catalogue = Catalogue::default();
    let relations = client
        .query(
            "SELECT c.oid, n.nspname, c.relname, c.relkind::text, tn.nspname, t.relname
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_index i ON i.indexrelid = c.oid
             LEFT JOIN pg_class o ON o.reltoastrelid = coalesce(i.indrelid, c.oid)
             LEFT JOIN pg_class t ON t.oid = coalesce(o.oid, i.indrelid)
             LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace",
            &[],
        )
        .await?;
    for row in relations {
        let kind: &str = row.get(3);
        let kind = kind.chars().next().and_then(RelationKind::from_relkind);
        let name = |at| {
            let (schema, name) = (
                row.get::<_, Option<&str>>(at),
                row.get::<_, Option<&str>>(at + 1),
            );
            Some(RelationName::new(schema?, name?))
        };
        let Some(found) = name(1) else { continue };
        let facts = RelationFacts {
            name: found,
            kind: kind.unwrap_or(RelationKind::Table),
            table: name(4),
            created_here: false,
        };
        catalogue.relations.insert(row.get(0), facts);
    }
    for row in client.query(OBJECTS, &[]).await? {
        catalogue.objects.insert(row.get(0));
    }
    Ok(catalogue)
}

/// Every table, index, constraint and column of the users' schemas, as a phrase.
const OBJECTS: &str = "
    SELECT CASE c.relkind WHEN 'i' THEN 'index ' WHEN 'I' THEN 'index ' WHEN 'S' THEN 'sequence '
           WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' ELSE 'table ' END
           || n.nspname || '.' || c.relname
           || coalesce(' on ' || (SELECT tn.nspname || '.' || t.relname
                FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
                JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE i.indexrelid = c.oid), '')
           || coalesce((SELECT ' (INVALID)' FROM pg_index i WHERE i.indexrelid = c.oid AND NOT i.indisvalid), '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'i', 'I', 'S', 'v', 'm', 'f')
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'constraint ' || k.conname || ' on ' || n.nspname || '.' || c.relname
           || CASE WHEN k.convalidated THEN '' ELSE ' (NOT VALID)' END
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND k.contype <> 'n'
    UNION ALL
    SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

impl Catalogue {
    /// The users' tables, partitioned ones and their partitions among them, in the order of their names.
    pub fn tables(&self) -> Vec<&RelationFacts> {
        let is_table = |kind| matches!(kind, RelationKind::Table | RelationKind::PartitionedTable);
        let is_system = |schema: &str| schema.starts_with("pg_") || schema == "information_schema";
        let tables = self.relations.values();
        let mut tables: Vec<_> = tables
            .filter(|facts| is_table(facts.kind) && !is_system(&facts.name.schema))
            .collect();
        tables.sort_by_key(|facts| &facts.name);
        tables
    }

    /// Relations of both catalogues; those that only `after` has were created in between.
    pub fn joined(&self, after: &Catalogue) -> BTreeMap<u32, RelationFacts> {
        let mut joined = after.relations.clone();
        for facts in joined.values_mut() {
            facts.created_here = true;
        }
        joined.extend(self.relations.clone());
        joined
    }

    /// What is there now and was not before, and the other way round, in words.
    pub fn difference(&self, after: &Catalogue) -> Vec<String> {
        let added = after
            .objects
            .difference(&self.objects)
            .map(|object| format!("new {object}"));
        let gone = self
            .objects
            .difference(&after.objects)
            .map(|object| format!("gone: {object}"));
        added.chain(gone).collect()
    }
}

/// Whether a session holds this lock on a table, whose name is quoted as SQL needs it.
pub async fn holds_lock(
    client: &Client,
    pid: i32,
    table: &str,
    mode: LockMode,
) -> Result<bool, tokio_postgres::Error> {
    let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND locktype = 'relation'
               AND relation = $2::text::regclass AND mode = $3 AND granted)";
    let row = client
        .query_one(sql, &[&pid, &table, &mode.to_string()])
        .await?;
    Ok(row.get(0))
}

/// The server's version.
pub async fn version(client: &Client) -> Result<Version, tokio_postgres::Error> {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int", &[])
        .await?;
    Ok(Version(u32::try_from(row.get::<_, i32>(0)).unwrap_or(0)))
}

/// Settings that are not at their defaults, and those that decide about the figures; but not where the
/// server's files are, nor how its log is set up to be read here.
pub async fn settings(client: &Client) -> Result<Settings, tokio_postgres::Error> {
    let ours: Vec<String> = log::settings().into_keys().collect();
    let rows = client
        .query(
            "SELECT name, current_setting(name) FROM pg_settings
             WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum', 'wal_level',
                            'shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'work_mem',
                            'maintenance_work_mem', 'deadlock_timeout', 'lock_timeout')
                OR (source IN ('command line', 'configuration file', 'database')
                    AND name <> ALL ($1)
                    AND name !~ '(director|_file$|^lc_|^dynamic_shared|default_text|^listen|^port$)')
             ORDER BY name",
            &[&ours],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_that_only_the_second_catalogue_has_was_created_here() {
        let facts = |name: &str, kind| RelationFacts {
            name: RelationName::new("public", name),
            kind,
            table: None,
            created_here: false,
        };
        let orders = facts("orders", RelationKind::Table);
        let index = facts("i", RelationKind::Index);
        let before = Catalogue {
            relations: BTreeMap::from([(1, orders.clone())]),
            ..Catalogue::default()
        };
        let after = Catalogue {
            relations: BTreeMap::from([(1, orders), (2, index)]),
            ..Catalogue::default()
        };
        let joined = before.joined(&after);
        assert!(!joined[&1].created_here);
        assert!(joined[&2].created_here);
    }

    #[test]
    fn the_difference_names_what_came_and_what_went() {
        let of = |objects: &[&str]| Catalogue {
            objects: objects.iter().map(|o| (*o).to_owned()).collect(),
            ..Catalogue::default()
        };
        let difference =
            of(&["table public.a"]).difference(&of(&["index public.i on public.a (INVALID)"]));
        assert_eq!(
            difference,
            [
                "new index public.i on public.a (INVALID)",
                "gone: table public.a"
            ]
        );
    }
}
