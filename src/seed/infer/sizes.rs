//! How many rows a table gets: which are large, which hold a few words that the others refer to.

use super::draft::{Draft, Drafts};
use super::words::Words;
use crate::migrations::bookkeeping::is_a_tools_own;
use crate::seed::structure::TypeKind;

/// Last words of names of tables that hold what others choose from.
const LOOKUPS: [&str; 34] = [
    "types",
    "type",
    "kinds",
    "kind",
    "statuses",
    "status",
    "categories",
    "category",
    "roles",
    "role",
    "permissions",
    "permission",
    "countries",
    "country",
    "currencies",
    "currency",
    "languages",
    "language",
    "plans",
    "plan",
    "states",
    "regions",
    "units",
    "levels",
    "priorities",
    "genres",
    "departments",
    "settings",
    "setting",
    "configuration",
    "options",
    "providers",
    "channels",
    "locales",
];

/// Those who own the rest: fewer by far than what they own.
const OWNERS: [&str; 16] = [
    "tenants",
    "tenant",
    "organizations",
    "organization",
    "organisations",
    "organisation",
    "companies",
    "company",
    "workspaces",
    "workspace",
    "teams",
    "team",
    "stores",
    "shops",
    "sites",
    "site",
];

/// Rows of owners for each row of a large table.
const OWNERS_RATIO: f64 = 0.02;

pub(super) fn choose(drafts: &mut Drafts<'_>) {
    let names: Vec<String> = drafts.tables.keys().cloned().collect();
    for name in &names {
        let referenced = drafts
            .tables
            .iter()
            .flat_map(|(other, draft)| draft.outgoing(other))
            .filter(|key| key.parent == *name)
            .count();
        let Some(draft) = drafts.tables.get_mut(name) else {
            continue;
        };
        if draft.has_size {
            draft.why_rows = "as described".to_owned();
            continue;
        }
        let size = size(name, draft, referenced);
        draft.why_rows = size.1;
        match size.0 {
            Size::Large => draft.spec.rows_per_main = Some(1.0),
            Size::Owners => draft.spec.rows_per_main = Some(OWNERS_RATIO),
            Size::Fixed(rows) => draft.spec.rows = Some(rows),
        }
    }
}

enum Size {
    Large,
    Owners,
    Fixed(u64),
}

fn size(name: &str, draft: &Draft<'_>, referenced: usize) -> (Size, String) {
    if is_a_tools_own(name) {
        return (Size::Fixed(20), "a migration tool's own".to_owned());
    }
    let outgoing = draft.outgoing(name).count();
    let columns = draft.table.columns.len();
    let last = draft.words.last().to_owned();
    if LOOKUPS.contains(&last.as_str()) && outgoing <= 1 && columns <= 12 {
        return (Size::Fixed(50), format!("{last}: others choose from them"));
    }
    if referenced > 0 && outgoing == 0 && columns <= 4 && !has_moments(draft) {
        let why = "few columns, referred to, refers to nothing: others choose from them";
        return (Size::Fixed(200), why.to_owned());
    }
    if OWNERS.contains(&last.as_str()) && referenced > 0 {
        return (Size::Owners, format!("{last}: they own the rest"));
    }
    (Size::Large, "large".to_owned())
}

fn has_moments(draft: &Draft<'_>) -> bool {
    draft.table.columns.iter().any(|column| {
        let words = Words::of(&column.name);
        let is_own = words.has_any(&["created", "updated", "inserted"]);
        let base = &column.ty.base().kind;
        !is_own && matches!(base, TypeKind::Base { name, .. } if name.starts_with("timestamp") || name == "date")
    })
}

/// The rows of each table, as things stand.
pub(super) fn rows(drafts: &Drafts<'_>, name: &str) -> u64 {
    rows_at(drafts, name, 0)
}

fn rows_at(drafts: &Drafts<'_>, name: &str, depth: usize) -> u64 {
    let Some(draft) = drafts.tables.get(name) else {
        return 0;
    };
    if let Some(rows) = draft.spec.rows {
        return rows;
    }
    if let Some(ratio) = draft.spec.rows_per_main {
        return ((drafts.rows as f64 * ratio).round() as u64).max(1);
    }
    if let Some(children) = draft.spec.children_of.as_ref().filter(|_| depth < 32) {
        let parents = rows_at(drafts, &children.table, depth + 1);
        return children.fan(drafts.seed, name).children(parents);
    }
    drafts.rows
}

/// Whether the rows of a table grow with the dataset.
pub(super) fn grows(drafts: &Drafts<'_>, name: &str) -> bool {
    match drafts.tables.get(name) {
        Some(draft) => match &draft.spec.children_of {
            Some(children) if children.table != name => grows(drafts, &children.table),
            _ => draft.spec.rows.is_none(),
        },
        None => false,
    }
}

/// A table gets fewer rows than its kind.
pub(super) fn lower(drafts: &mut Drafts<'_>, name: &str, rows: u64, grows: bool, why: String) {
    let all = drafts.rows as f64;
    let before = self::rows(drafts, name).max(1);
    let Some(draft) = drafts.tables.get_mut(name) else {
        return;
    };
    // Columns of the family take their values from it: each parent has fewer children instead.
    if let (Some(children), true) = (&mut draft.spec.children_of, draft.family.is_some()) {
        children.mean = (children.mean * rows as f64 / before as f64 * 0.98).max(0.002);
        if children.mean <= f64::from(children.min) {
            children.min = 0;
        }
        draft.why_rows = why;
        return;
    }
    draft.spec.children_of = None;
    draft.spec.rows = (!grows).then_some(rows);
    draft.spec.rows_per_main = grows.then_some(rows as f64 / all);
    draft.why_rows = why;
}

/// The large table at the centre, that `--rows` counts: most references in and out.
pub(super) fn main(drafts: &mut Drafts<'_>, asked: &str) -> String {
    if drafts.tables.contains_key(asked) {
        let draft = drafts.tables.get_mut(asked).expect("it was just found");
        draft.spec.rows_per_main = draft.spec.rows_per_main.filter(|_| draft.has_size);
        return asked.to_owned();
    }
    let ties = |name: &String| {
        let others = drafts.tables.iter();
        let inward = others.filter(|(other, _)| *other != name);
        let inward = inward.flat_map(|(other, draft)| draft.outgoing(other));
        let inward = inward.filter(|key| key.parent == *name).count();
        inward + drafts.tables[name].outgoing(name).count()
    };
    let is_large = |draft: &Draft<'_>| draft.spec.rows_per_main == Some(1.0) && !draft.has_size;
    let large = drafts.tables.iter().filter(|(_, draft)| is_large(draft));
    let large: Vec<&String> = large.map(|(name, _)| name).collect();
    let at_centre = large
        .iter()
        .max_by_key(|name| (ties(name), std::cmp::Reverse(**name)));
    let Some(main) = at_centre.map(|name| (*name).clone()) else {
        // Nothing grows: what has most columns stands for the rest.
        let widest = drafts
            .tables
            .iter()
            .max_by_key(|(_, draft)| draft.table.columns.len());
        return widest.map(|(name, _)| name.clone()).unwrap_or_default();
    };
    let draft = drafts.tables.get_mut(&main).expect("it was just found");
    draft.spec.rows_per_main = None;
    draft.why_rows = "the large table with the most references: --rows counts it".to_owned();
    main
}
