//! Questions to the system catalogue, as SQL: no one else need know its columns' names.

/// The columns of the table `$1`, a quoted name: `name`, `modifier`, `not_null`, `has_default`,
/// `is_generated`. No row for a table that is not there.
pub const COLUMNS: &str = "
    SELECT attname::text AS name, atttypmod AS modifier, attnotnull AS not_null,
           atthasdef OR attidentity <> '' AS has_default, attgenerated <> '' AS is_generated
    FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum";

/// What is better made after the rows: keys, foreign keys, indexes, and triggers that fire for
/// each row. `kind` is key, index, trigger or foreign_key; `tables` are those it locks, its own
/// first; `remove` and `make` are statements, and `validate` is one where a foreign key is made
/// without looking at the rows: checking them lets others work on the other table.
///
/// Constraints and indexes of partitions come and go with those of their parents. Those that a view or a function
/// needs stay: `GROUP BY` the primary key lets a view name the other columns.
pub const AFTER_THE_ROWS: &str = "
    WITH tables AS (
        SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ), needed AS (
        SELECT refclassid, refobjid FROM pg_depend
        WHERE deptype = 'n' AND classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
    ), marks AS (
        SELECT i.indexrelid,
            CASE WHEN i.indisreplident THEN format('; ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', t.name, c.relname) ELSE '' END
            || CASE WHEN i.indisclustered THEN format('; ALTER TABLE %s CLUSTER ON %I', t.name, c.relname) ELSE '' END AS mark
        FROM pg_index i JOIN tables t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
    )
    SELECT CASE WHEN c.contype = 'f' THEN 'foreign_key' ELSE 'key' END AS kind,
           t.name AS on_table,
           array_remove(ARRAY[t.name, CASE WHEN c.contype = 'f' THEN other.name END], NULL) AS tables,
           format('ALTER TABLE %s DROP CONSTRAINT %I', t.name, c.conname) AS remove,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.name, c.conname, pg_get_constraintdef(c.oid))
               || CASE WHEN c.contype = 'f' THEN '' ELSE coalesce(m.mark, '') END
               || CASE WHEN later THEN ' NOT VALID' ELSE '' END AS make,
           CASE WHEN later THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I', t.name, c.conname) END AS validate
    FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid
    LEFT JOIN tables other ON other.oid = c.confrelid
    CROSS JOIN LATERAL (SELECT c.contype = 'f' AND c.convalidated AND t.relkind = 'r' AND other.relkind = 'r') AS l (later)
    LEFT JOIN marks m ON m.indexrelid = c.conindid
    WHERE c.contype IN ('p', 'u', 'x', 'f') AND c.conparentid = 0
      AND NOT EXISTS (SELECT FROM needed n WHERE n.refclassid = 'pg_constraint'::regclass AND n.refobjid = c.oid)
    UNION ALL
    SELECT 'index', t.name, ARRAY[t.name],
           format('DROP INDEX %I.%I', n.nspname, c.relname),
           replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') || m.mark, NULL
    FROM pg_index i JOIN tables t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace JOIN marks m ON m.indexrelid = i.indexrelid
    WHERE NOT c.relispartition AND NOT EXISTS (
        SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
      AND NOT EXISTS (SELECT FROM needed n WHERE n.refclassid = 'pg_class'::regclass AND n.refobjid = i.indexrelid)
    UNION ALL
    SELECT 'trigger', t.name, ARRAY[t.name],
           format('ALTER TABLE %s DISABLE TRIGGER %I', t.name, g.tgname),
           format('ALTER TABLE %s ENABLE %s TRIGGER %I', t.name,
                  CASE g.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, g.tgname), NULL
    FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid
    WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
    ORDER BY 1, 2, 4";

/// The tables that rows are counted in: not the system's, not an extension's, not partitions. `schema`, `name`, and
/// `only` where children by inheritance have rows of their own; the largest first.
pub const TABLES: &str = "
    SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'r' AS only
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relpages DESC, 1, 2";

/// Whether the server has [`FLUSH_COUNTS`]: from 15 on.
pub const CAN_FLUSH_COUNTS: &str =
    "SELECT to_regprocedure('pg_stat_force_next_flush()') IS NOT NULL";

/// The session's counts of rows reach the statistics as soon as its transaction ends.
pub const FLUSH_COUNTS: &str = "SELECT pg_stat_force_next_flush()";

/// How the rows of the table `$1` are told apart and touched: `own_key`, an expression that no
/// two rows share where there is a primary key, and `target`, a column that an UPDATE may set to
/// what it is, if there is one.
pub const ROWS_OF: &str = "
    SELECT coalesce(
        (SELECT format('ROW(%s)', string_agg(format('r.%I', a.attname), ', ' ORDER BY a.attnum))
         FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = t.oid AND i.indisprimary), 'r') AS own_key,
        (SELECT format('%I', a.attname) FROM pg_attribute a
         WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attgenerated = '' AND a.attidentity <> 'a'
         ORDER BY a.attnum DESC LIMIT 1) AS target
    FROM (SELECT to_regclass($1)::oid AS oid) t";

/// The sequences that fill a column, its own or one that its default names: `sequence`, `on_table`, `on_column`, all
/// quoted.
pub const OWNED_SEQUENCES: &str = "
    SELECT DISTINCT format('%I.%I', sn.nspname, s.relname) AS sequence,
           format('%I.%I', tn.nspname, t.relname) AS on_table,
           format('%I', a.attname) AS on_column
    FROM (
        SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
        UNION
        SELECT d.refobjid, f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
        WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
          AND pg_get_expr(f.adbin, f.adrelid) ~ '^nextval\\('
    ) d
    JOIN pg_class s ON s.oid = d.sequence AND s.relkind = 'S'
    JOIN pg_namespace sn ON sn.oid = s.relnamespace
    JOIN pg_class t ON t.oid = d.relation AND t.relkind IN ('r', 'p') AND NOT t.relispartition
    JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = d.relation AND a.attnum = d.number
    WHERE tn.nspname !~ '^pg_'";

/// The name of the type with the number `$1`, as a cast needs it.
pub const TYPE_NAME: &str = "SELECT format_type($1::oid, NULL)";
