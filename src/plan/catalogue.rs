//! Whether a dataset's schema has the tables and columns that a query names.

use crate::seed::schema::{Schema, Table};

/// What is known of a schema. What is not understood is taken to exist.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue<'s>(Option<&'s Schema>);

/// What a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Yes,
    No,
    /// The schema does not say.
    Maybe,
}

/// Columns that every table has.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

impl<'s> Catalogue<'s> {
    /// Without a schema nothing is known: every name may exist.
    pub fn of(schema: Option<&'s Schema>) -> Catalogue<'s> {
        Catalogue(schema)
    }

    pub fn table(self, name: &str) -> Known {
        if self.tables(name).next().is_some() {
            Known::Yes
        } else if self.0.is_some_and(|schema| schema.complete) && !name.starts_with("pg_") {
            Known::No
        } else {
            Known::Maybe
        }
    }

    pub fn column(self, table: &str, column: &str) -> Known {
        let mut tables = self.tables(table).peekable();
        if tables.peek().is_none() || SYSTEM_COLUMNS.contains(&column) {
            return Known::Maybe;
        }
        let mut complete = true;
        for table in tables {
            if table.column(column).is_some() {
                return Known::Yes;
            }
            complete &= table.complete;
        }
        if complete { Known::No } else { Known::Maybe }
    }

    pub fn table_names(self) -> impl Iterator<Item = &'s str> {
        let tables = self.0.into_iter().flat_map(|schema| schema.tables.keys());
        tables.map(|name| last_part(name))
    }

    pub fn column_names(self, table: &str) -> impl Iterator<Item = &'s str> {
        let columns = self.tables(table).flat_map(|table| &table.columns);
        columns.map(|column| column.name.as_str())
    }

    /// All that go by the name, in whatever schema: a search_path may lead to any.
    fn tables(self, name: &str) -> impl Iterator<Item = &'s Table> {
        let tables = self.0.into_iter().flat_map(|schema| &schema.tables);
        tables.filter_map(move |(full, table)| (last_part(full) == name).then_some(table))
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(sql: &str) -> Schema {
        Schema::parse(sql).expect("it is SQL")
    }

    #[test]
    fn tables_and_columns_are_read_from_a_schema() {
        let schema = parse(
            "CREATE TYPE s AS ENUM ('a');
             CREATE TABLE public.Orders (id bigint PRIMARY KEY, \"Total\" int, CHECK (id > 0));
             ALTER TABLE orders ADD COLUMN note text, ADD extra int;
             CREATE INDEX ON orders (note);",
        );
        let catalogue = Catalogue::of(Some(&schema));
        assert_eq!(catalogue.table("orders"), Known::Yes);
        assert_eq!(catalogue.table("users"), Known::No);
        assert_eq!(catalogue.table("pg_class"), Known::Maybe);
        for column in ["id", "Total", "note", "extra"] {
            assert_eq!(catalogue.column("orders", column), Known::Yes, "{column}");
        }
        assert_eq!(catalogue.column("orders", "total"), Known::No);
        assert_eq!(catalogue.column("orders", "ctid"), Known::Maybe);
    }

    #[test]
    fn what_a_schema_does_not_show_may_exist() {
        let schema = parse(
            "CREATE TABLE a (id int); CREATE TABLE b (LIKE a); CREATE VIEW v AS SELECT 1 AS x;",
        );
        let catalogue = Catalogue::of(Some(&schema));
        assert_eq!(catalogue.column("b", "id"), Known::Maybe);
        assert_eq!(catalogue.column("v", "x"), Known::Maybe);
        assert_eq!(catalogue.table("c"), Known::No);

        for sql in [
            "DO $$ BEGIN END $$;",
            "SELECT make_tables();",
            "ALTER TABLE a RENAME TO c;",
        ] {
            let schema = parse(&format!("CREATE TABLE a (id int); {sql}"));
            assert_eq!(
                Catalogue::of(Some(&schema)).table("c"),
                Known::Maybe,
                "{sql}"
            );
        }
        assert_eq!(Catalogue::of(None).table("c"), Known::Maybe);
    }
}
