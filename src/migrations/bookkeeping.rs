//! The tables in which migration tools keep what they have run. No application queries them.

/// By the table's name alone.
const TABLES: [&str; 31] = [
    "schema_migrations",
    "ar_internal_metadata",
    "_prisma_migrations",
    "flyway_schema_history",
    "django_migrations",
    "alembic_version",
    "knex_migrations",
    "knex_migrations_lock",
    "databasechangelog",
    "databasechangeloglock",
    "goose_db_version",
    "_sqlx_migrations",
    "typeorm_migrations",
    "schema_version",
    "pgmigrations",
    "__drizzle_migrations",
    "__diesel_schema_migrations",
    "refinery_schema_history",
    "atlas_schema_revisions",
    "gorp_migrations",
    "schema_info",
    "migrations",
    "SequelizeMeta",
    "mikro_orm_migrations",
    "__EFMigrationsHistory",
    "phinxlog",
    "doctrine_migration_versions",
    "_yoyo_migration",
    "_yoyo_log",
    "_yoyo_version",
    "yoyo_lock",
];

/// Schemas that hold nothing else.
const SCHEMAS: [&str; 2] = ["sqitch", "graphile_migrate"];

/// Whether a table is a migration tool's own. Its schema stands before the name, unless that is `public`.
pub fn is_a_tools_own(table: &str) -> bool {
    match table.split_once('.') {
        Some((schema, table)) => SCHEMAS.contains(&schema) || TABLES.contains(&table),
        None => TABLES.contains(&table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_tables_are_known_in_any_schema() {
        for (table, expected) in [
            ("alembic_version", true),
            ("drizzle.__drizzle_migrations", true),
            ("sqitch.changes", true),
            ("changes", false),
            ("users", false),
        ] {
            assert_eq!(is_a_tools_own(table), expected, "{table}");
        }
    }
}
