//! Whether the tables and columns that a query names are in the dataset's schema.
//!
//! Only what is surely wrong is reported: a name whose scope is not understood passes, and the
//! server has the last word when the query is prepared.

use std::collections::{BTreeMap, BTreeSet};

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::catalogue::{Catalogue, Known};
use crate::input::did_you_mean;
use crate::seed::schema::{identifier, last_name};

/// A name that the schema lacks.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// Byte of the SQL where it stands.
    pub byte: usize,
    pub message: String,
    pub hint: Option<String>,
}

/// The names of a query that the catalogue surely lacks, in order.
pub fn missing_names(query: &SyntaxNode, catalogue: Catalogue<'_>) -> Vec<Missing> {
    let scope = Scope::of(query, catalogue);
    let mut missing = scope.missing_tables();
    for node in query.descendants() {
        match node.kind() {
            SyntaxKind::FIELD_EXPR => missing.extend(scope.check_field(&node)),
            SyntaxKind::NAME_REF => missing.extend(scope.check_name(&node)),
            SyntaxKind::COLUMN_TARGET => missing.extend(scope.check_target(&node)),
            _ => {}
        }
    }
    missing.sort_by_key(|m| m.byte);
    missing
}

/// What the names of a query can refer to, over all of its parts.
struct Scope<'c> {
    catalogue: Catalogue<'c>,
    /// Tables by the names they go by; `None` where a name stands for several or for something else.
    aliases: BTreeMap<String, Option<String>>,
    /// Names that the query itself gives to columns of its result.
    outputs: BTreeSet<String>,
    /// Every source of columns is a table of the catalogue: a bare name must be a column of one.
    closed: bool,
    missing_tables: Vec<(usize, String)>,
}

impl<'c> Scope<'c> {
    fn of(query: &SyntaxNode, catalogue: Catalogue<'c>) -> Scope<'c> {
        let mut scope = Scope {
            catalogue,
            aliases: BTreeMap::new(),
            outputs: BTreeSet::new(),
            closed: true,
            missing_tables: Vec::new(),
        };
        let ctes: BTreeSet<String> = query
            .descendants()
            .filter(|node| node.kind() == SyntaxKind::CTE_NAME)
            .filter_map(|node| identifier(&node))
            .collect();
        for node in query.descendants() {
            match node.kind() {
                SyntaxKind::RELATION_NAME_REF | SyntaxKind::TABLE_NAME_REF => {
                    scope.add_relation(&node, &ctes);
                }
                SyntaxKind::FUNCTION_FROM_ITEM
                | SyntaxKind::PAREN_FROM_ITEM
                | SyntaxKind::ROWS_FROM_ITEM
                | SyntaxKind::EXPR_FROM_ITEM
                | SyntaxKind::JSON_TABLE_FROM_ITEM
                | SyntaxKind::XML_TABLE_FROM_ITEM
                | SyntaxKind::GRAPH_TABLE_FROM_ITEM => {
                    scope.closed = false;
                    let alias = child(&node, SyntaxKind::FROM_ALIAS);
                    if let Some(alias) = alias.and_then(|alias| alias_name(&alias)) {
                        scope.aliases.insert(alias, None);
                    }
                }
                SyntaxKind::FROM_ALIAS if child(&node, SyntaxKind::COLUMN_LIST).is_some() => {
                    scope.closed = false;
                }
                SyntaxKind::AS_NAME => {
                    let name = child(&node, SyntaxKind::COLUMN_NAME);
                    scope
                        .outputs
                        .extend(name.and_then(|name| identifier(&name)));
                }
                _ => {}
            }
        }
        scope
    }

    fn add_relation(&mut self, reference: &SyntaxNode, ctes: &BTreeSet<String>) {
        let Some(table) = last_name(reference) else {
            self.closed = false;
            return;
        };
        let path = reference.text().to_string().to_ascii_lowercase();
        let elsewhere = path.starts_with("pg_catalog.") || path.starts_with("information_schema.");
        let known = match self.catalogue.table(&table) {
            _ if elsewhere || ctes.contains(&table) => Known::Maybe,
            known => known,
        };
        if known == Known::No {
            let byte = reference.text_range().start().into();
            self.missing_tables.push((byte, table.clone()));
        }
        self.closed &= known == Known::Yes;
        let given = own_alias(reference);
        let renamed = given
            .as_ref()
            .is_some_and(|alias| child(alias, SyntaxKind::COLUMN_LIST).is_some());
        let stands_for = (known == Known::Yes && !renamed).then(|| table.clone());
        let alias = given.and_then(|alias| alias_name(&alias)).unwrap_or(table);
        self.aliases
            .entry(alias)
            .and_modify(|other| {
                if *other != stands_for {
                    *other = None;
                }
            })
            .or_insert(stands_for);
    }

    /// `alias.column`
    fn check_field(&self, field: &SyntaxNode) -> Option<Missing> {
        let mut parts = field.children();
        let (base, column) = (parts.next()?, parts.next()?);
        if base.kind() != SyntaxKind::NAME_REF || column.kind() != SyntaxKind::NAME_REF {
            return None;
        }
        if is_called(field) {
            return None;
        }
        let (base, name) = (identifier(&base)?, identifier(&column)?);
        let table = match self.aliases.get(&base) {
            Some(table) => table.clone(),
            None if base == "excluded" => target_table(field),
            None => None,
        }?;
        self.check_column(&table, &name, &column)
    }

    /// A bare name in an expression.
    fn check_name(&self, node: &SyntaxNode) -> Option<Missing> {
        let inside_field = node.parent()?.kind() == SyntaxKind::FIELD_EXPR;
        if !self.closed || self.aliases.is_empty() || inside_field || is_called(node) {
            return None;
        }
        // `current_date` and the like are names to the parser.
        let name = identifier(node).filter(|_| !is_special(node))?;
        let known = self.outputs.contains(&name)
            || self.aliases.contains_key(&name)
            || self
                .tables()
                .any(|t| self.catalogue.column(t, &name) != Known::No);
        if known {
            return None;
        }
        let columns = self.tables().flat_map(|t| self.catalogue.column_names(t));
        let tables: BTreeSet<&str> = self.tables().collect();
        let tables = tables.into_iter().collect::<Vec<_>>().join(", ");
        Some(Missing {
            byte: node.text_range().start().into(),
            message: format!("no column `{name}` in {tables}"),
            hint: did_you_mean(&name, columns),
        })
    }

    /// A column that INSERT or UPDATE names as its target.
    fn check_target(&self, target: &SyntaxNode) -> Option<Missing> {
        let column = child(target, SyntaxKind::COLUMN_NAME_REF)?;
        let table = target_table(target)?;
        self.check_column(&table, &identifier(&column)?, &column)
    }

    fn check_column(&self, table: &str, name: &str, node: &SyntaxNode) -> Option<Missing> {
        if self.catalogue.column(table, name) != Known::No {
            return None;
        }
        Some(Missing {
            byte: node.text_range().start().into(),
            message: format!("no column `{name}` in table `{table}`"),
            hint: did_you_mean(name, self.catalogue.column_names(table)),
        })
    }

    fn tables(&self) -> impl Iterator<Item = &str> {
        self.aliases.values().flatten().map(String::as_str)
    }

    fn missing_tables(&self) -> Vec<Missing> {
        self.missing_tables
            .iter()
            .map(|(byte, table)| Missing {
                byte: *byte,
                message: format!("no table `{table}` in the dataset"),
                hint: did_you_mean(table, self.catalogue.table_names()),
            })
            .collect()
    }
}

fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|inner| inner.kind() == kind)
}

pub(super) fn alias_name(node: &SyntaxNode) -> Option<String> {
    identifier(&child(node, SyntaxKind::TABLE_ALIAS)?)
}

/// The alias that follows a table's name: in FROM, or after INSERT INTO, UPDATE, DELETE, MERGE.
pub(super) fn own_alias(reference: &SyntaxNode) -> Option<SyntaxNode> {
    let statement = reference.ancestors().skip(1).find(|node| {
        !matches!(
            node.kind(),
            SyntaxKind::RELATION_NAME | SyntaxKind::TABLE_RELATION_NAME
        )
    })?;
    statement.children().find(|node| {
        matches!(
            node.kind(),
            SyntaxKind::FROM_ALIAS | SyntaxKind::REQUIRED_AS_ALIAS | SyntaxKind::OPTIONAL_AS_ALIAS
        )
    })
}

/// The table that the INSERT or UPDATE around a node changes.
fn target_table(node: &SyntaxNode) -> Option<String> {
    let statement = node.ancestors().find(|outer| {
        matches!(
            outer.kind(),
            SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::MERGE
        )
    })?;
    let target = statement.children().find(|inner| {
        matches!(
            inner.kind(),
            SyntaxKind::RELATION_NAME
                | SyntaxKind::RELATION_NAME_REF
                | SyntaxKind::TABLE_RELATION_NAME
        )
    })?;
    last_name(&target)
}

/// The name of a function in a call.
fn is_called(node: &SyntaxNode) -> bool {
    node.parent().is_some_and(|parent| {
        parent.kind() == SyntaxKind::CALL_EXPR
            && parent.first_child().as_ref() == Some(node)
            && child(&parent, SyntaxKind::ARG_LIST).is_some()
    })
}

/// Words that Postgres reads as a value where a name could stand.
fn is_special(node: &SyntaxNode) -> bool {
    let word = node.text().to_string().to_ascii_lowercase();
    word.starts_with("current_")
        || matches!(
            word.as_str(),
            "localtime" | "localtimestamp" | "session_user" | "system_user" | "user" | "default"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::statement::parse_query;
    use crate::seed::schema::Schema;

    fn check(sql: &str, expected: &[&str]) {
        let schema = Schema::parse(
            "CREATE TABLE users (id bigint, email text, data jsonb, \"user\" text);
             CREATE TABLE orders (id bigint, user_id bigint, status text, created_at timestamptz);",
        )
        .unwrap();
        let parsed = parse_query(sql).unwrap();
        let found: Vec<String> = missing_names(&parsed.node, Catalogue::of(Some(&schema)))
            .into_iter()
            .map(|m| match m.hint {
                Some(hint) => format!("{}; {hint}", m.message),
                None => m.message,
            })
            .collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn a_missing_table_is_named_with_its_near_miss() {
        check(
            "SELECT * FROM order WHERE id = $1"
                .replace("order ", "public.order_ ")
                .as_str(),
            &["no table `order_` in the dataset; did you mean `orders`?"],
        );
        check(
            "INSERT INTO invoices (id) VALUES ($1)",
            &["no table `invoices` in the dataset"],
        );
        check(
            "UPDATE ordrs SET status = $1",
            &["no table `ordrs` in the dataset; did you mean `orders`?"],
        );
        check(
            "DELETE FROM x WHERE id = $1",
            &["no table `x` in the dataset"],
        );
    }

    #[test]
    fn a_missing_column_is_named() {
        check(
            "SELECT o.id, o.stats FROM orders o WHERE o.user_id = $1",
            &["no column `stats` in table `orders`; did you mean `status`?"],
        );
        check(
            "SELECT id FROM orders WHERE emial = $1",
            &["no column `emial` in orders"],
        );
        check(
            "SELECT count(*) FROM users JOIN orders ON orders.usr_id = users.id ORDER BY nothing",
            &[
                "no column `usr_id` in table `orders`; did you mean `user_id`?",
                "no column `nothing` in orders, users",
            ],
        );
        check(
            "INSERT INTO orders AS o (id, stat) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET status = excluded.statu",
            &[
                "no column `stat` in table `orders`; did you mean `status`?",
                "no column `statu` in table `orders`; did you mean `status`?",
            ],
        );
        check(
            "UPDATE orders SET totals = 1 WHERE id = $1 RETURNING totals",
            &[
                "no column `totals` in table `orders`",
                "no column `totals` in orders",
            ],
        );
    }

    #[test]
    fn what_is_there_or_not_understood_passes() {
        for sql in [
            "SELECT o.id AS n, u.email, data->>'x' FROM orders AS o JOIN users u ON u.id = o.user_id ORDER BY n",
            "WITH recent AS (SELECT id AS k FROM orders) SELECT r.k, anything FROM recent r",
            "SELECT g.n, x FROM orders, generate_series(1, 2) AS g(n)",
            "SELECT s.y FROM (SELECT id AS y FROM orders) s",
            "SELECT now(), lower(email), count(*) FILTER (WHERE id > 1), current_date, users.ctid FROM users",
            "SELECT (data->>'a')::int, extract(epoch FROM now()), interval '1 day', date '2020-01-01' FROM users",
            "SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = orders.user_id)",
            "SELECT relname FROM pg_class",
            "SELECT x.id FROM orders x WHERE x.id IN (SELECT x.id FROM users x WHERE x.email = $1)",
            "SELECT u FROM users u",
            "SELECT \"user\", users.user FROM users",
            "UPDATE orders o SET status = u.email FROM users u WHERE u.id = o.user_id",
            "INSERT INTO orders (user_id, status, created_at) VALUES ($1, DEFAULT, now()) RETURNING id",
            "DELETE FROM orders USING users u WHERE u.id = orders.user_id",
            "SELECT a.x FROM orders AS a(x)",
            "SELECT status, rank() OVER w FROM orders WINDOW w AS (PARTITION BY user_id)",
            "SELECT date_trunc('day', created_at) AS day, count(*) FROM orders GROUP BY day",
        ] {
            check(sql, &[]);
        }
    }
}
