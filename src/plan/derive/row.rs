//! How one row of a table is found: by a key that every row has.

use squawk_syntax::quote::quote_quoted_ident;

use super::data::{Bindings, Subject, list, names};
use super::values::{Made, by_name, held};
use crate::rehearse::workload::Param;
use crate::seed::structure::{Key, KeyPart};

/// The key that rows are found by.
pub(super) struct RowKey<'a> {
    subject: Subject<'a>,
    columns: Vec<String>,
    /// Of as many columns from the first as it takes to tell most rows apart.
    params: Vec<Param>,
}

impl<'a> RowKey<'a> {
    /// The primary key, or another one without gaps. Popular rows are asked for more often with a skew.
    pub(super) fn of(subject: Subject<'a>, skew: f64) -> Option<RowKey<'a>> {
        if subject.rows() == 0 {
            return None;
        }
        let mut keys = subject.table.keys.iter();
        keys.find_map(|key| RowKey::by(subject, key, skew))
    }

    fn by(subject: Subject<'a>, key: &Key, skew: f64) -> Option<RowKey<'a>> {
        if key.predicate.is_some() || key.parts.is_empty() {
            return None;
        }
        let mut columns = Vec::new();
        for part in &key.parts {
            match part {
                KeyPart::Column(name) if subject.column(name)?.not_null => {
                    columns.push(name.clone())
                }
                _ => return None,
            }
        }
        let needed = match subject.is_dense(&columns[0]) {
            true => 1,
            false => columns.len(),
        };
        let is_alone = columns.len() == 1;
        let param = |column: &String| match is_alone {
            // Gaps between whole numbers do no harm: no row is found then.
            true => held(subject, column, skew).or_else(|| by_name(subject.name, column, skew)),
            false => Made::moment(subject, column).or_else(|| by_name(subject.name, column, skew)),
        };
        let params = columns[..needed].iter().map(param).collect::<Option<_>>()?;
        Some(RowKey {
            subject,
            columns,
            params,
        })
    }

    /// `id`, `order_id, line`.
    pub(super) fn title(&self) -> String {
        self.columns.join(", ")
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|own| own == column)
    }

    /// The only column, if it has no more.
    pub(super) fn single(&self) -> Option<&str> {
        match &self.columns[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The way to one row from a list of all: what stands after FROM, with WHERE and LIMIT.
    pub(super) fn first_from(&self, qualifier: &str, bindings: &mut Bindings) -> String {
        let own = |column: &String| format!("{qualifier}{}", quote_quoted_ident(column));
        if self.single().is_some() {
            let number = bindings.bind(self.params[0].clone());
            return format!("WHERE {} = {number}", own(&self.columns[0]));
        }
        // Two columns' values that are chosen one by one are seldom those of a row; the next one after them is.
        let known = list(self.columns[..self.params.len()].iter().map(own));
        let numbers = list(self.params.iter().map(|param| bindings.bind(param.clone())));
        let (known, numbers) = match self.params.len() {
            1 => (known, numbers),
            _ => (format!("({known})"), format!("({numbers})")),
        };
        let order = list(self.columns.iter().map(own));
        format!("WHERE {known} >= {numbers} ORDER BY {order} LIMIT 1")
    }

    /// The condition that one row meets, for UPDATE and DELETE.
    pub(super) fn condition(&self, bindings: &mut Bindings) -> String {
        if self.single().is_some() {
            return self.first_from("", bindings);
        }
        let columns = names(&self.columns);
        format!(
            "WHERE ({columns}) = (SELECT {columns} FROM {} {})",
            self.subject.sql(),
            self.first_from("", bindings)
        )
    }
}
