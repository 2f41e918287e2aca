//! The tables that a schema's text creates, as far as can be told without a server.

mod learn;
mod names;

use std::collections::BTreeMap;

use squawk_syntax::SourceFile;

use crate::input::sql::{SqlMistake, first_mistake};

pub use names::{identifier, last_name};

/// What `schema.sql` creates. Where it cannot be told, `complete` is false: only what is surely
/// missing may be called a mistake, the server has the last word.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// By name, in another schema than `public` with the schema's name before it.
    pub tables: BTreeMap<String, Table>,
    pub indexes: Vec<Index>,
    /// False where something may have made tables that are not in `tables`.
    pub complete: bool,
}

/// A table, or a view: something that a query can name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    /// False where there may be other columns: inherited, copied with LIKE, or a view's.
    pub complete: bool,
    pub is_view: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    /// The type as it is written, in small letters.
    pub type_name: String,
    pub not_null: bool,
    /// The server fills it where nobody does: a default, an identity, a generated column.
    pub has_default: bool,
}

/// An index with what it is on: columns, or expressions as they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    pub table: String,
    pub on: Vec<String>,
}

impl Schema {
    /// Reads a script, statement by statement.
    pub fn parse(sql: &str) -> Result<Schema, SqlMistake> {
        let parsed = SourceFile::parse(sql);
        if let Some(mistake) = first_mistake(sql, &parsed) {
            return Err(mistake);
        }
        let mut schema = Schema {
            tables: BTreeMap::new(),
            indexes: Vec::new(),
            complete: true,
        };
        for statement in parsed.tree().stmts() {
            schema.learn(&statement);
        }
        Ok(schema)
    }

    /// One that may have any table.
    pub fn unknown() -> Schema {
        Schema {
            tables: BTreeMap::new(),
            indexes: Vec::new(),
            complete: false,
        }
    }

    /// A table by its name, with or without `public.` before it.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables
            .get(name.strip_prefix("public.").unwrap_or(name))
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_columns_and_indexes_are_found() {
        let schema = Schema::parse(
            r#"CREATE TABLE Users (
                id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the key
                email text NOT NULL UNIQUE,
                "Odd Name" numeric(10, 2),
                made_at timestamptz NOT NULL DEFAULT now()
            );
            CREATE TABLE sales.lines (a int, b int, CONSTRAINT pk PRIMARY KEY (a, b));
            ALTER TABLE public.users ADD COLUMN nick text;
            CREATE INDEX i ON users USING btree (lower(email), made_at DESC);"#,
        )
        .unwrap();
        let users = schema.table("public.users").unwrap();
        let facts: Vec<_> = users
            .columns
            .iter()
            .map(|c| {
                (
                    c.name.as_str(),
                    c.type_name.as_str(),
                    c.not_null,
                    c.has_default,
                )
            })
            .collect();
        assert_eq!(
            facts,
            [
                ("id", "integer", true, true),
                ("email", "text", true, false),
                ("Odd Name", "numeric(10, 2)", false, false),
                ("made_at", "timestamptz", true, true),
                ("nick", "text", false, false),
            ]
        );
        assert!(
            schema
                .table("sales.lines")
                .unwrap()
                .column("b")
                .unwrap()
                .not_null
        );
        let on: Vec<_> = schema
            .indexes
            .iter()
            .map(|index| index.on.join("+"))
            .collect();
        assert_eq!(on, ["id", "email", "a+b", "lower(email)+made_at desc"]);
    }

    #[test]
    fn what_is_not_sql_is_found_with_its_line() {
        let mistake = Schema::parse("CREATE TABLE a (id int);\nCREATE TABEL b ();\n").unwrap_err();
        assert_eq!(mistake.line, 2);
    }

    fn columns(sql: &str, table: &str) -> Vec<String> {
        let schema = Schema::parse(sql).unwrap();
        let table = schema.table(table).expect(sql);
        assert!(table.complete, "{sql}");
        let column = |c: &Column| {
            let not_null = if c.not_null { " not null" } else { "" };
            let default = if c.has_default { " default" } else { "" };
            format!("{} {}{not_null}{default}", c.name, c.type_name)
        };
        table.columns.iter().map(column).collect()
    }

    #[test]
    fn a_later_statement_changes_what_an_earlier_one_made() {
        let made = "CREATE TABLE t (a int CHECK (a IS NOT NULL OR b = 'unique'), b text NOT NULL DEFAULT 'x');\n";
        for (change, expected) in [
            ("", ["a int", "b text not null default"]),
            (
                "CREATE TABLE IF NOT EXISTS t (z int)",
                ["a int", "b text not null default"],
            ),
            (
                "DROP TABLE t; CREATE TABLE t (z int, y int)",
                ["z int", "y int"],
            ),
            (
                "ALTER TABLE ONLY public.t ADD CONSTRAINT k PRIMARY KEY (a), ALTER b DROP DEFAULT",
                ["a int not null", "b text not null"],
            ),
            (
                "ALTER TABLE t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY, ALTER b DROP NOT NULL",
                ["a int not null default", "b text default"],
            ),
            (
                "ALTER TABLE t ALTER a TYPE bigint, ALTER a SET NOT NULL, ALTER a SET DEFAULT 1",
                ["a bigint not null default", "b text not null default"],
            ),
            (
                "ALTER TABLE t ADD UNIQUE (a)",
                ["a int", "b text not null default"],
            ),
            (
                "ALTER TABLE t RENAME b TO c; ALTER TABLE t OWNER TO me, ENABLE ROW LEVEL SECURITY",
                ["a int", "c text not null default"],
            ),
            (
                "ALTER TABLE t DROP COLUMN a, ADD COLUMN IF NOT EXISTS b int, ADD d serial",
                ["b text not null default", "d serial not null default"],
            ),
        ] {
            assert_eq!(
                columns(&format!("{made}{change};"), "t"),
                expected,
                "{change}"
            );
        }
    }

    #[test]
    fn what_a_statement_may_make_is_not_taken_for_missing() {
        let parse = |sql: &str| {
            Schema::parse(&format!(
                "CREATE TABLE a (id int); {sql}; CREATE TABLE z (id int);"
            ))
            .unwrap()
        };
        for sql in [
            "CREATE SCHEMA s",
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "INSERT INTO a VALUES (1)",
        ] {
            let schema = parse(sql);
            assert!(schema.complete && schema.tables["a"].complete, "{sql}");
        }
        for sql in [
            "CREATE EXTENSION x",
            "CREATE SCHEMA s CREATE TABLE y (id int)",
            "ALTER TABLE a RENAME TO b",
            "ALTER TABLE a SET SCHEMA s",
        ] {
            assert!(!parse(sql).complete, "{sql}");
        }
        for sql in [
            "DO $$ BEGIN END $$",
            "SELECT make_tables()",
            "CALL change_tables()",
        ] {
            let schema = parse(sql);
            assert!(!schema.complete && !schema.tables["a"].complete, "{sql}");
            assert!(schema.tables["z"].complete, "{sql}: it comes later");
        }
        for sql in [
            "CREATE TABLE b (LIKE a)",
            "CREATE TABLE b () INHERITS (a)",
            "CREATE TABLE b AS TABLE a",
            "CREATE VIEW b AS SELECT 1 AS x",
        ] {
            let schema = parse(sql);
            let b = schema.table("b").expect(sql);
            assert!(!b.complete && schema.complete, "{sql}");
            assert_eq!(b.is_view, sql.contains("VIEW"), "{sql}");
        }
    }
}
