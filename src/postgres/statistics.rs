//! What the server knows of the data in its tables, as SQL: sizes, and `pg_stats` by column.

/// All tables that hold rows of their own or of their partitions: `schema`, `name`, `may_select`, `rows` (as the
/// planner reckons: rows per page when they were counted, times the pages of today; NULL where they never were),
/// `dead` and `updated` (rows since the statistics began). A partitioned table has the sums of its partitions.
pub const SIZES: &str = "
    WITH RECURSIVE tables AS (
        SELECT c.oid, c.oid AS root, c.relkind, c.reltuples, c.relpages
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        UNION ALL
        SELECT c.oid, t.root, c.relkind, c.reltuples, c.relpages
        FROM tables t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid
        WHERE c.relispartition
    ), sizes AS (
        SELECT root,
            CASE WHEN relkind = 'p' THEN 0
                 WHEN pg_relation_size(t.oid) = 0 THEN 0
                 WHEN reltuples < 0 OR relpages = 0 THEN NULL
                 ELSE reltuples::float8 / relpages * (pg_relation_size(t.oid) / current_setting('block_size')::float8)
            END AS rows,
            pg_stat_get_dead_tuples(t.oid) AS dead, pg_stat_get_tuples_updated(t.oid) AS updated
        FROM tables t
    )
    SELECT n.nspname::text AS schema, c.relname::text AS name, has_table_privilege(c.oid, 'SELECT') AS may_select,
           CASE WHEN bool_or(s.rows IS NULL) THEN NULL ELSE sum(s.rows) END AS rows,
           sum(s.dead)::float8 AS dead, sum(s.updated)::float8 AS updated
    FROM sizes s JOIN pg_class c ON c.oid = s.root JOIN pg_namespace n ON n.oid = c.relnamespace
    GROUP BY 1, 2, c.oid
    ORDER BY 1, 2";

/// `pg_stats` by column, of a partitioned table over all its partitions: `schema`, `name`, `attribute`, `nulls`,
/// `distinct_values` (negative: a fraction of the rows), `width`, `correlation`, `frequencies` of the common values,
/// and, if `$1`, those `common` values themselves as text. Else no value leaves the server.
pub const COLUMNS: &str = "
    SELECT DISTINCT ON (schemaname, tablename, attname)
           schemaname::text AS schema, tablename::text AS name, attname::text AS attribute,
           null_frac::float8 AS nulls, n_distinct::float8 AS distinct_values, avg_width AS width,
           correlation::float8 AS correlation, most_common_freqs::float8[] AS frequencies,
           CASE WHEN $1 THEN most_common_vals::text::text[] END AS common
    FROM pg_stats
    WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema'
    ORDER BY schemaname, tablename, attname, inherited DESC";

/// The schema that `pg_stat_statements` is installed in, if it is.
pub const STATEMENTS_SCHEMA: &str = "
    SELECT n.nspname::text AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements'";

/// The statements of the current database that `pg_stat_statements`, a quoted name with its schema, has counted, by text:
/// `query` and `calls`. What the right to read is missing for has no text that can be used.
pub fn statements(view: &str) -> String {
    format!(
        "SELECT query, sum(calls)::int8 AS calls FROM {view}
         WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND query IS NOT NULL AND query <> '<insufficient privilege>'
         GROUP BY 1 ORDER BY 2 DESC"
    )
}
