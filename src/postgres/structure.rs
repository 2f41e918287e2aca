//! What a database's tables are like, as questions to the system catalogue. One question for all tables at once: a
//! schema of 1,500 tables is read in as many round trips as one of ten. From PostgreSQL 13 on; what a version does not
//! have is looked for by name in the row as JSON.

/// Common to all questions: `tables`, the user's own: no system's, no temporary ones, none that belong to an extension.
macro_rules! over_tables {
    ($sql:literal) => {
        concat!(
            "WITH tables AS (
                SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
                  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                  AND d.deptype = 'e')
            ) ",
            $sql
        )
    };
}

/// `table_oid`, `schema`, `name`; of partitioned tables `strategy` (r, l, h), `key_columns` (names; null for an
/// expression) and `key_expressions`; of partitions `partition_of` and `bound`; `inherits`, oids; `has_rules`.
pub const TABLES: &str = over_tables!(
    "SELECT t.oid AS table_oid, t.schema, t.name, p.partstrat::text AS strategy,
            (SELECT array_agg(a.attname::text ORDER BY k.at)
             FROM unnest(p.partattrs::int2[]) WITH ORDINALITY k(num, at)
             LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.num AND k.num > 0) AS key_columns,
            pg_get_expr(p.partexprs, t.oid) AS key_expressions,
            CASE WHEN c.relispartition THEN
                (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = t.oid LIMIT 1) END AS partition_of,
            CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, t.oid) END AS bound,
            CASE WHEN NOT c.relispartition THEN
                (SELECT array_agg(i.inhparent ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = t.oid)
            END AS inherits,
            EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = t.oid) AS has_rules
     FROM tables t JOIN pg_class c ON c.oid = t.oid
     LEFT JOIN pg_partitioned_table p ON p.partrelid = t.oid
     ORDER BY 2, 3"
);

/// `table_oid`, `name`, `type_oid`, `modifier`, `sql` and `element_sql` (the type, and its element's if it is an
/// array, as SQL writes them), `not_null`, `default_sql`, `is_generated`, `is_identity`.
pub const COLUMNS: &str = over_tables!(
    "SELECT a.attrelid AS table_oid, a.attname::text AS name, a.atttypid AS type_oid, a.atttypmod AS modifier,
            format_type(a.atttypid, a.atttypmod) AS sql,
            CASE WHEN y.typelem <> 0 THEN format_type(y.typelem, a.atttypmod) END AS element_sql,
            a.attnotnull AS not_null, pg_get_expr(d.adbin, d.adrelid) AS default_sql,
            a.attgenerated <> '' AS is_generated,
            a.attidentity <> '' AS is_identity
     FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_type y ON y.oid = a.atttypid
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     ORDER BY a.attrelid, a.attnum"
);

/// Unique indexes, those of keys among them, the primary one of a table first: `table_oid`, `name`, `is_primary`,
/// `columns` (null for an expression), `expressions` (null for a column), `predicate`, `nulls_equal`, `is_deferrable`.
pub const KEYS: &str = over_tables!(
    "SELECT i.indrelid AS table_oid, x.relname::text AS name, i.indisprimary AS is_primary,
            k.columns, k.expressions, pg_get_expr(i.indpred, i.indrelid) AS predicate,
            coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) AS nulls_equal,
            NOT i.indimmediate AS is_deferrable
     FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid
     CROSS JOIN LATERAL (
        SELECT array_agg(a.attname::text ORDER BY n.n) AS columns,
               array_agg(CASE WHEN i.indkey[n.n - 1] = 0 THEN pg_get_indexdef(i.indexrelid, n.n, true) END
                         ORDER BY n.n) AS expressions
        FROM generate_series(1, i.indnkeyatts) n(n)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n.n - 1] AND a.attnum > 0
     ) k
     WHERE i.indisunique AND NOT i.indisexclusion
     ORDER BY 1, i.indisprimary DESC, 2"
);

/// Indexes that are no keys: `table_oid`, `name`, `method`, `columns`, `expressions` and `predicate` as of the keys,
/// `is_valid`.
pub const INDEXES: &str = over_tables!(
    "SELECT i.indrelid AS table_oid, x.relname::text AS name, m.amname::text AS method, i.indisvalid AS is_valid,
            k.columns, k.expressions, pg_get_expr(i.indpred, i.indrelid) AS predicate
     FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid
     JOIN pg_am m ON m.oid = x.relam
     CROSS JOIN LATERAL (
        SELECT array_agg(a.attname::text ORDER BY n.n) AS columns,
               array_agg(CASE WHEN i.indkey[n.n - 1] = 0 THEN pg_get_indexdef(i.indexrelid, n.n, true) END
                         ORDER BY n.n) AS expressions
        FROM generate_series(1, i.indnkeyatts) n(n)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n.n - 1] AND a.attnum > 0
     ) k
     WHERE NOT i.indisunique AND NOT i.indisexclusion
     ORDER BY 1, 2"
);

/// Triggers of users that fire: `table_oid`, `name`, `on_insert`, `on_update`, `on_delete`.
pub const TRIGGERS: &str = over_tables!(
    "SELECT t.oid AS table_oid, g.tgname::text AS name, g.tgtype & 4 <> 0 AS on_insert, g.tgtype & 16 <> 0 AS on_update,
            g.tgtype & 8 <> 0 AS on_delete
     FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid
     WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
     ORDER BY 1, 2"
);

/// Exclusion constraints, and keys WITHOUT OVERLAPS, which exclude by = and &&: as the keys, with `operators`.
pub const EXCLUSIONS: &str = over_tables!(
    "SELECT i.indrelid AS table_oid, c.conname::text AS name, c.contype = 'p' AS is_primary,
            k.columns, k.expressions, pg_get_expr(i.indpred, i.indrelid) AS predicate,
            (SELECT array_agg(o.oprname::text ORDER BY e.at)
             FROM unnest(c.conexclop) WITH ORDINALITY e(oid, at) JOIN pg_operator o ON o.oid = e.oid) AS operators
     FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid JOIN pg_index i ON i.indexrelid = c.conindid
     CROSS JOIN LATERAL (
        SELECT array_agg(a.attname::text ORDER BY n.n) AS columns,
               array_agg(CASE WHEN i.indkey[n.n - 1] = 0 THEN pg_get_indexdef(i.indexrelid, n.n, true) END
                         ORDER BY n.n) AS expressions
        FROM generate_series(1, i.indnkeyatts) n(n)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n.n - 1] AND a.attnum > 0
     ) k
     WHERE i.indisexclusion AND c.contype IN ('p', 'u', 'x')
     ORDER BY 1, 2"
);

/// Foreign keys that are enforced, without those that partitions have from their parents: `table_oid`, `name`,
/// `parent_oid`, `columns`, `parent_columns`, `match_full`, `on_delete` and `on_update` (a, r, c, n, d).
pub const FOREIGN_KEYS: &str = over_tables!(
    "SELECT c.conrelid AS table_oid, c.conname::text AS name, c.confrelid AS parent_oid,
            (SELECT array_agg(a.attname::text ORDER BY k.at) FROM unnest(c.conkey) WITH ORDINALITY k(num, at)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS columns,
            (SELECT array_agg(a.attname::text ORDER BY k.at) FROM unnest(c.confkey) WITH ORDINALITY k(num, at)
             JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) AS parent_columns,
            c.confmatchtype = 'f' AS match_full, c.confdeltype::text AS on_delete, c.confupdtype::text AS on_update
     FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid
     WHERE c.contype = 'f' AND c.conparentid = 0 AND coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)
     ORDER BY 1, 2"
);

/// CHECK constraints that are enforced, of tables (`table_oid`) and of domains (`type_oid`): `name`, `sql`, `columns`.
pub const CHECKS: &str = over_tables!(
    "SELECT t.oid AS table_oid, NULL::oid AS type_oid, c.conname::text AS name, pg_get_expr(c.conbin, c.conrelid) AS sql,
            (SELECT array_agg(a.attname::text ORDER BY k.at) FROM unnest(c.conkey) WITH ORDINALITY k(num, at)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS columns
     FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid
     WHERE c.contype = 'c' AND coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)
     UNION ALL
     SELECT NULL, c.contypid, c.conname::text, pg_get_expr(c.conbin, 0), NULL
     FROM pg_constraint c WHERE c.contypid <> 0 AND c.contype = 'c'
     ORDER BY 1, 2, 3"
);

/// All types: `type_oid`, `name`, `kind` (b base, e enum, d domain, c composite, r range, m multirange, p pseudo),
/// `element_oid` of arrays, `base_oid` with `base_modifier`, `base_sql` and `not_null` of domains, `subtype_oid` of ranges and
/// multiranges, `labels` of enums, and of composites `field_names`, `field_oids`, `field_modifiers`, `field_sql`.
pub const TYPES: &str = "
    SELECT y.oid AS type_oid, y.typname::text AS name, y.typtype::text AS kind,
           CASE WHEN y.typcategory = 'A' AND y.typelem <> 0 THEN y.typelem END AS element_oid,
           y.typbasetype AS base_oid, y.typtypmod AS base_modifier,
           CASE WHEN y.typtype = 'd' THEN format_type(y.typbasetype, y.typtypmod) END AS base_sql,
           y.typnotnull AS not_null, format_type(y.oid, NULL) AS sql, r.rngsubtype AS subtype_oid,
           (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid) AS labels,
           f.names AS field_names, f.oids AS field_oids, f.modifiers AS field_modifiers, f.sql AS field_sql
    FROM pg_type y
    LEFT JOIN (
        SELECT rngtypid AS oid, rngsubtype FROM pg_range
        UNION ALL SELECT (to_jsonb(m) ->> 'rngmultitypid')::oid, rngsubtype FROM pg_range m
    ) r ON r.oid = y.oid
    LEFT JOIN LATERAL (
        SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names, array_agg(a.atttypid ORDER BY a.attnum) AS oids,
               array_agg(a.atttypmod ORDER BY a.attnum) AS modifiers,
               array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS sql
        FROM pg_attribute a JOIN pg_class k ON k.oid = a.attrelid AND k.relkind = 'c'
        WHERE a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) f ON y.typtype = 'c'
    WHERE y.typtype <> 'c' OR f.names IS NOT NULL";
