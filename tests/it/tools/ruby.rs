//! A tool in Ruby: Active Record, which sends prepared statements.

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ShareLock, ShareUpdateExclusiveLock};

use super::project::{Project, SCHEMA, lock, piled_up};

const MIGRATE: &str = r#"
require "active_record"

ActiveRecord::Base.establish_connection(ENV["DATABASE_URL"])
ActiveRecord::MigrationContext.new("migrate", ActiveRecord::SchemaMigration).migrate
"#;

const COLUMN: &str = r#"
class Column < ActiveRecord::Migration[6.1]
  def change
    add_column :orders, :note, :text
    add_index :orders, :placed_at, name: "orders_placed_at"
  end
end
"#;

const INDEX: &str = r#"
class Index < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!

  def change
    add_index :orders, :status, name: "orders_status", algorithm: :concurrently
  end
end
"#;

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn active_record_has_a_transaction_for_each_migration_that_does_not_disable_it() {
    let tables = format!(
        "class Tables < ActiveRecord::Migration[6.1]\n  def up\n    execute \"{SCHEMA}\"\n  end\nend\n"
    );
    let project = Project::new(&[("migrate.rb", MIGRATE), ("migrate/1_tables.rb", &tables)]);
    let migrate = "/usr/bin/ruby migrate.rb";
    project.begin_with(migrate);
    project.write(&[
        ("migrate/2_column.rb", COLUMN),
        ("migrate/3_index.rb", INDEX),
    ]);
    project.check(migrate, |run| {
        let alter = lock(run, "add \"note\" text", AccessExclusiveLock);
        let index = lock(run, "create index \"orders_placed_at\"", ShareLock);
        assert!(piled_up(alter, index), "{alter:?}\n{index:?}");
        let concurrently = "create index concurrently \"orders_status\"";
        let gentle = lock(run, concurrently, ShareUpdateExclusiveLock);
        assert!(!piled_up(index, gentle), "{gentle:?}");
    });
}
