//! The moments of a row, in their order: created, updated, deleted; begun, ended.

use super::forms::{after, moments};
use super::types::Choice;
use super::words::Words;
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::{Column, Table, TypeKind};

const DAY_S: i64 = 86_400;
/// What is made from 2020 on has until 2026 for all that happens to it.
const FIRST: &str = "2020-01-01";
const LAST: &str = "2026-01-01";

/// What a moment is in the life of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Birth,
    Made,
    Begun,
    Ended,
    Updated,
    Due,
    Rare,
    Other,
}

/// Words that say it, the first that fits.
const ROLES: [(Role, &[&str]); 7] = [
    (
        Role::Birth,
        &["birthday", "birthdate", "dob", "born", "birth"],
    ),
    (
        Role::Rare,
        &[
            "deleted",
            "archived",
            "cancelled",
            "canceled",
            "removed",
            "banned",
            "blocked",
            "suspended",
            "revoked",
            "discarded",
            "closed",
            "locked",
            "failed",
            "rejected",
            "refunded",
        ],
    ),
    (
        Role::Due,
        &[
            "expires",
            "expiry",
            "expiration",
            "expire",
            "due",
            "until",
            "renews",
        ],
    ),
    (
        Role::Ended,
        &[
            "end",
            "ends",
            "ended",
            "finish",
            "finished",
            "finishes",
            "stop",
            "stopped",
            "completed",
            "complete",
            "to",
            "checkout",
        ],
    ),
    (
        Role::Begun,
        &[
            "start",
            "starts",
            "started",
            "begin",
            "begins",
            "began",
            "begun",
            "from",
            "checkin",
            "scheduled",
        ],
    ),
    (
        Role::Updated,
        &[
            "updated",
            "modified",
            "changed",
            "edited",
            "last",
            "lastmod",
            "touched",
            "refreshed",
            "synced",
            "update",
        ],
    ),
    (
        Role::Made,
        &[
            "created",
            "create",
            "inserted",
            "added",
            "joined",
            "registered",
            "placed",
            "ordered",
            "occurred",
            "logged",
            "submitted",
            "posted",
            "recorded",
            "received",
            "creation",
            "timestamp",
            "ts",
        ],
    ),
];

fn role(column: &Words) -> Role {
    if matches!(
        column.joined().as_str(),
        "at" | "date" | "time" | "eventtime" | "on"
    ) {
        return Role::Made;
    }
    let said = ROLES.iter().find(|(_, words)| column.has_any(words));
    said.map_or(Role::Other, |(role, _)| *role)
}

fn is_moment(column: &Column) -> bool {
    matches!(&column.ty.base().kind, TypeKind::Base { name, .. } if matches!(name.as_str(), "date" | "timestamp" | "timestamptz"))
}

/// A choice for each column of the table that holds a moment.
pub(super) fn choose(table: &Table) -> Vec<(String, Choice)> {
    let columns: Vec<(&Column, Role)> = table
        .columns
        .iter()
        .filter(|column| is_moment(column))
        .map(|column| (column, role(&Words::of(&column.name))))
        .collect();
    let first = |wanted: Role| {
        columns
            .iter()
            .find(|(_, role)| *role == wanted)
            .map(|(column, _)| *column)
    };
    let made = first(Role::Made);
    let begun = first(Role::Begun);
    let of = |(column, role): &(&Column, Role)| {
        let (spec, reason) = moment(column, *role, made, begun);
        (column.name.clone(), Choice { spec, reason })
    };
    columns.iter().map(of).collect()
}

fn moment(
    column: &Column,
    role: Role,
    made: Option<&Column>,
    begun: Option<&Column>,
) -> (GeneratorSpec, String) {
    let sql = &column.ty.sql;
    let other = |found: Option<&Column>| {
        found
            .map(|found| found.name.clone())
            .filter(|name| *name != column.name)
    };
    let made = other(made);
    let behind = |name: &str, days: i64| {
        let reason = format!("name and type {sql}: after {name}");
        (after(name, 1, days * DAY_S), reason)
    };
    let free = |from: &str, until: &str, increasing: bool| {
        let reason = if role == Role::Other {
            format!("type {sql}")
        } else {
            format!("name and type {sql}")
        };
        (moments(from, until, increasing), reason)
    };
    match (role, made, other(begun)) {
        (Role::Birth, ..) => free("1945-01-01", "2008-01-01", false),
        (Role::Made, None, _) => free(FIRST, LAST, true),
        (Role::Made, Some(made), _) => behind(&made, 1),
        (Role::Ended | Role::Due, _, Some(begun)) => {
            let (spec, reason) = behind(&begun, 30);
            // A day after, where the column holds days.
            let GeneratorSpec::After(mut after) = spec else {
                return (spec, reason);
            };
            after.min_s = DAY_S;
            (GeneratorSpec::After(after), reason)
        }
        (Role::Due, Some(made), _) => behind(&made, 365),
        (Role::Begun, Some(made), _) => behind(&made, 30),
        (Role::Updated | Role::Rare | Role::Ended | Role::Other, Some(made), _) => {
            behind(&made, 90)
        }
        (Role::Due, None, None) => free("2026-01-01", "2028-01-01", false),
        (Role::Begun, None, _) => free(FIRST, LAST, true),
        _ => free(FIRST, LAST, false),
    }
}

/// The fraction of rows for which a moment has not come, if its column may be NULL.
pub(super) fn nulls(column: &Column) -> Option<f64> {
    if !is_moment(column) {
        return None;
    }
    Some(match role(&Words::of(&column.name)) {
        Role::Rare => 0.9,
        Role::Made | Role::Begun => 0.0,
        Role::Updated => 0.05,
        Role::Due | Role::Ended => 0.3,
        Role::Birth => 0.2,
        Role::Other => 0.4,
    })
}
