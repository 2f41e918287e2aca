//! What each statement of a schema changes in what is known of it.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode};

use super::names::{identifier, table_name, text};
use super::{Column, Index, Schema, Table};

impl Schema {
    pub(super) fn learn(&mut self, statement: &ast::Stmt) {
        match statement {
            ast::Stmt::CreateTable(create) => self.create_table(create),
            ast::Stmt::AlterTable(alter) => self.alter_table(alter),
            ast::Stmt::CreateIndex(create) => self.create_index(create),
            ast::Stmt::DropTable(drop) => {
                for name in drop.table_name_refs().filter_map(|name| table_name(&name)) {
                    self.tables.remove(&name);
                    self.indexes.retain(|index| index.table != name);
                }
            }
            ast::Stmt::CreateView(create) => self.made_by_query(create.view(), true),
            ast::Stmt::CreateMaterializedView(create) => self.made_by_query(create.view(), true),
            ast::Stmt::CreateTableAs(create) => self.made_by_query(create.table_name(), false),
            ast::Stmt::CreateForeignTable(create) => self.made_by_query(create.table_name(), false),
            ast::Stmt::CreateSchema(create) => {
                self.complete &= create.schema_elements().next().is_none();
            }
            ast::Stmt::CreateExtension(_) | ast::Stmt::ImportForeignSchema(_) => {
                self.complete = false;
            }
            ast::Stmt::Do(_) | ast::Stmt::Call(_) | ast::Stmt::Execute(_) => self.may_differ(),
            ast::Stmt::SelectInto(_) => self.may_differ(),
            ast::Stmt::Select(select) if !only_sets(select) => self.may_differ(),
            _ => {}
        }
    }

    /// Code has run that may have made tables, and changed those that were there.
    fn may_differ(&mut self) {
        self.complete = false;
        for table in self.tables.values_mut() {
            table.complete = false;
        }
    }

    fn made_by_query(&mut self, name: Option<impl AstNode>, is_view: bool) {
        if let Some(name) = name.and_then(|name| table_name(&name)) {
            self.tables.entry(name).or_insert(Table {
                is_view,
                ..Table::default()
            });
        }
    }

    fn create_table(&mut self, create: &ast::CreateTable) {
        let Some(name) = create.table_name().and_then(|name| table_name(&name)) else {
            return;
        };
        if create.if_not_exists().is_some() && self.tables.contains_key(&name) {
            return;
        }
        let mut table = Table {
            complete: create.inherits().is_none()
                && create.of_type().is_none()
                && create.partition_of().is_none(),
            ..Table::default()
        };
        let args = create.table_arg_list();
        for arg in args.iter().flat_map(ast::TableArgList::args) {
            match arg {
                ast::TableArg::Column(column) => {
                    let made = self.column(&name, column.name(), column.ty(), column.syntax());
                    table.columns.extend(made);
                }
                ast::TableArg::LikeClause(_) => table.complete = false,
                ast::TableArg::TableConstraint(constraint) => {
                    self.add_constraint(&name, &mut table, &constraint);
                }
            }
        }
        self.tables.insert(name, table);
    }

    fn alter_table(&mut self, alter: &ast::AlterTable) {
        let name = alter
            .table_relation_name()
            .and_then(|name| table_name(&name));
        let Some((name, mut table)) = name.and_then(|name| self.tables.remove_entry(&name)) else {
            return;
        };
        for action in alter.actions() {
            if matches!(
                action,
                AlterTableAction::TableRenameTo(_)
                    | AlterTableAction::SetSchema(_)
                    | AlterTableAction::MergePartitions(_)
                    | AlterTableAction::SplitPartition(_)
            ) {
                // From here on it goes by another name, which may be any.
                self.complete = false;
                return;
            }
            self.alter(&name, &mut table, action);
        }
        self.tables.insert(name, table);
    }

    fn alter(&mut self, name: &str, table: &mut Table, action: AlterTableAction) {
        match action {
            AlterTableAction::AddColumn(add) => {
                let made = self.column(name, add.column_name(), add.ty(), add.syntax());
                let made = made.filter(|column| table.column(&column.name).is_none());
                table.columns.extend(made);
            }
            AlterTableAction::AddConstraint(add) => {
                let constraint = add.constraint();
                let constraint =
                    constraint.and_then(|c| ast::TableConstraint::cast(c.syntax().clone()));
                if let Some(constraint) = constraint {
                    self.add_constraint(name, table, &constraint);
                }
            }
            AlterTableAction::AlterColumn(alter) => {
                let column = identifier_of(alter.column_name_ref());
                let column = table
                    .columns
                    .iter_mut()
                    .find(|c| Some(&c.name) == column.as_ref());
                if let (Some(column), Some(option)) = (column, alter.option()) {
                    column.alter(&option);
                }
            }
            AlterTableAction::DropColumn(drop) => {
                let gone = identifier_of(drop.column_name_ref());
                table.columns.retain(|c| Some(&c.name) != gone.as_ref());
            }
            AlterTableAction::RenameColumn(rename) => {
                let old = identifier_of(rename.column_name_ref());
                let column = table
                    .columns
                    .iter_mut()
                    .find(|c| Some(&c.name) == old.as_ref());
                if let (Some(column), Some(new)) = (column, identifier_of(rename.column_name())) {
                    column.name = new;
                }
            }
            AlterTableAction::InheritTable(_) | AlterTableAction::OfType(_) => {
                table.complete = false;
            }
            // Owners, triggers, row security, partitions of it: its columns stay as they are.
            _ => {}
        }
    }

    fn create_index(&mut self, create: &ast::CreateIndex) {
        let table = create.table_relation_name();
        if let (Some(table), Some(items)) = (
            table.and_then(|name| table_name(&name)),
            create.partition_item_list(),
        ) {
            let on = items.partition_items().map(|item| text(&item)).collect();
            self.indexes.push(Index { table, on });
        }
    }

    /// A column with its constraints, which are among the children of `node`.
    fn column(
        &mut self,
        table: &str,
        name: Option<ast::ColumnName>,
        ty: Option<ast::Type>,
        node: &squawk_syntax::SyntaxNode,
    ) -> Option<Column> {
        let name = identifier_of(name)?;
        let type_name = text(&ty?);
        let mut column = Column {
            not_null: type_name.contains("serial"),
            has_default: type_name.contains("serial"),
            name,
            type_name,
        };
        for constraint in node.children().filter_map(ast::ColumnConstraint::cast) {
            match constraint {
                ast::ColumnConstraint::NotNullConstraint(_) => column.not_null = true,
                ast::ColumnConstraint::DefaultConstraint(_) => column.has_default = true,
                ast::ColumnConstraint::GeneratedConstraint(generated) => {
                    column.has_default = true;
                    column.not_null |= text(&generated).contains("as identity");
                }
                ast::ColumnConstraint::PrimaryKeyConstraint(_) => {
                    column.not_null = true;
                    self.add_index(table, vec![column.name.clone()]);
                }
                ast::ColumnConstraint::UniqueConstraint(_) => {
                    self.add_index(table, vec![column.name.clone()]);
                }
                _ => {}
            }
        }
        Some(column)
    }

    /// A constraint of a table: `CONSTRAINT pk PRIMARY KEY (a, b)`.
    fn add_constraint(&mut self, name: &str, table: &mut Table, constraint: &ast::TableConstraint) {
        let (parameters, is_key) = match constraint {
            ast::TableConstraint::PrimaryKeyConstraint(key) => (key.index_parameters(), true),
            ast::TableConstraint::UniqueConstraint(unique) => (unique.index_parameters(), false),
            ast::TableConstraint::NotNullConstraint(not_null) => {
                let column = identifier_of(not_null.column_name_ref());
                let column = table
                    .columns
                    .iter_mut()
                    .find(|c| Some(&c.name) == column.as_ref());
                column.into_iter().for_each(|column| column.not_null = true);
                return;
            }
            _ => return,
        };
        let Some(list) = parameters.and_then(|parameters| parameters.column_list()) else {
            return;
        };
        let names = list.syntax().descendants();
        let names = names.filter(|node| node.kind() == SyntaxKind::COLUMN_NAME_REF);
        let on: Vec<String> = names.filter_map(|node| identifier(&node)).collect();
        for column in &mut table.columns {
            column.not_null |= is_key && on.contains(&column.name);
        }
        self.add_index(name, on);
    }

    fn add_index(&mut self, table: &str, on: Vec<String>) {
        self.indexes.push(Index {
            table: table.to_owned(),
            on,
        });
    }
}

impl Column {
    fn alter(&mut self, option: &AlterColumnOption) {
        match option {
            AlterColumnOption::SetNotNull(_) => self.not_null = true,
            AlterColumnOption::DropNotNull(_) => self.not_null = false,
            AlterColumnOption::SetDefault(_) => self.has_default = true,
            AlterColumnOption::DropDefault(_)
            | AlterColumnOption::DropIdentity(_)
            | AlterColumnOption::DropExpression(_) => self.has_default = false,
            AlterColumnOption::AddGenerated(_) => {
                self.has_default = true;
                self.not_null = true;
            }
            AlterColumnOption::SetType(set) => {
                self.type_name = set.ty().map(|ty| text(&ty)).unwrap_or_default();
            }
            _ => {}
        }
    }
}

fn identifier_of(node: Option<impl AstNode>) -> Option<String> {
    identifier(node?.syntax())
}

/// Sets something and changes no table, as dumps do: `SELECT pg_catalog.set_config(…)`.
fn only_sets(select: &ast::Select) -> bool {
    let nodes = select.syntax().descendants();
    let mut calls = nodes.filter(|node| node.kind() == SyntaxKind::CALL_EXPR);
    calls.all(|call| {
        let function = call.first_child().map(|name| name.text().to_string());
        let function = function.unwrap_or_default().to_ascii_lowercase();
        let function = function.rsplit('.').next().unwrap_or_default();
        ["set_config", "setval"].contains(&function.trim())
    })
}
