//! Tools in JavaScript: Knex and node-pg-migrate.

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ShareLock, ShareUpdateExclusiveLock};

use super::project::{Project, SCHEMA, lock, piled_up};

const KNEX_CHANGE: &str = r#"
exports.up = async (knex) => {
    await knex.schema.alterTable("orders", (table) => table.text("note"));
    await knex.schema.alterTable("orders", (table) => table.index(["placed_at"], "orders_placed_at"));
};
exports.down = async () => {};
"#;

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn knex_has_a_transaction_for_each_migration() {
    let knexfile = "module.exports = { client: 'pg', connection: process.env.DATABASE_URL };\n";
    let tables =
        format!("exports.up = (knex) => knex.raw(`{SCHEMA}`);\nexports.down = async () => {{}};\n");
    let project = Project::new(&[
        ("knexfile.js", knexfile),
        ("migrations/1_tables.js", &tables),
    ]);
    let latest = "NODE_PATH=$PGREHEARSE_TOOLS/node/node_modules \
                  $PGREHEARSE_TOOLS/node/node_modules/.bin/knex migrate:latest";
    project.begin_with(latest);
    project.write(&[("migrations/2_change.js", KNEX_CHANGE)]);
    project.check(latest, |run| {
        let alter = lock(run, "add column \"note\"", AccessExclusiveLock);
        let index = lock(run, "create index \"orders_placed_at\"", ShareLock);
        assert!(piled_up(alter, index), "{alter:?}\n{index:?}");
        let output = &run.steps[0].command.as_ref().unwrap().output;
        assert!(output.contains("Batch 2 run: 1 migrations"), "{output}");
    });
}

const PG_MIGRATE_COLUMN: &str = r#"
exports.up = (pgm) => {
    pgm.addColumn("orders", { note: "text" });
    pgm.createIndex("orders", "placed_at", { name: "orders_placed_at" });
};
"#;

const PG_MIGRATE_INDEX: &str = r#"
exports.up = (pgm) => {
    pgm.noTransaction();
    pgm.createIndex("orders", "status", { name: "orders_status", concurrently: true });
};
"#;

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn node_pg_migrate_leaves_its_transaction_for_what_bears_none() {
    let tables = format!("exports.up = (pgm) => pgm.sql(`{SCHEMA}`);\n");
    let project = Project::new(&[("migrations/1700000000001_tables.js", &tables)]);
    let up = "NODE_PATH=$PGREHEARSE_TOOLS/node/node_modules \
              $PGREHEARSE_TOOLS/node/node_modules/.bin/node-pg-migrate up";
    project.begin_with(up);
    project.write(&[
        ("migrations/1700000000002_column.js", PG_MIGRATE_COLUMN),
        ("migrations/1700000000003_index.js", PG_MIGRATE_INDEX),
    ]);
    project.check(up, |run| {
        let alter = lock(run, "add \"note\"", AccessExclusiveLock);
        let index = lock(run, "create index \"orders_placed_at\"", ShareLock);
        assert!(piled_up(alter, index), "{alter:?}\n{index:?}");
        let concurrently = "create index concurrently \"orders_status\"";
        let gentle = lock(run, concurrently, ShareUpdateExclusiveLock);
        assert!(!piled_up(index, gentle), "{gentle:?}");
    });
}
