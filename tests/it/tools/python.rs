//! Tools in Python: Alembic and Django.

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ShareLock, ShareUpdateExclusiveLock};

use super::project::{Project, lock, piled_up, statement};

const ALEMBIC_ENV: &str = r#"
import os
from alembic import context
from sqlalchemy import create_engine

url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://", 1)
with create_engine(url).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"#;

const ALEMBIC_TABLES: &str = r#"
from alembic import op
import sqlalchemy as sa

revision = "a1"
down_revision = None

def upgrade():
    op.create_table("users", sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("email", sa.Text, nullable=False))
    op.create_table("orders", sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False))
"#;

const ALEMBIC_COLUMN: &str = r#"
from alembic import op
import sqlalchemy as sa

revision = "a2"
down_revision = "a1"

def upgrade():
    op.add_column("orders", sa.Column("note", sa.Text))
"#;

const ALEMBIC_INDEX: &str = r#"
from alembic import op

revision = "a3"
down_revision = "a2"

def upgrade():
    op.create_index("orders_placed_at", "orders", ["placed_at"])
"#;

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn alembic_holds_the_first_migrations_locks_to_the_end_of_the_last() {
    let project = Project::new(&[
        ("alembic.ini", "[alembic]\nscript_location = migrations\n"),
        ("migrations/env.py", ALEMBIC_ENV),
        ("migrations/versions/tables.py", ALEMBIC_TABLES),
    ]);
    let upgrade = "$PGREHEARSE_TOOLS/python/bin/alembic upgrade head";
    project.begin_with(upgrade);
    project.write(&[
        ("migrations/versions/column.py", ALEMBIC_COLUMN),
        ("migrations/versions/index.py", ALEMBIC_INDEX),
    ]);
    project.check(upgrade, |run| {
        let alter = lock(
            run,
            "alter table orders add column note",
            AccessExclusiveLock,
        );
        let index = lock(run, "create index orders_placed_at", ShareLock);
        assert!(piled_up(alter, index), "{alter:?}\n{index:?}");
        // What it keeps of its migrations was there, and is up to date.
        statement(run, "update alembic_version set version_num='a2'");
        assert_eq!(run.steps[0].tries.len(), 1);
    });
}

const DJANGO_SETTINGS: &str = r#"
import os

SECRET_KEY = "none"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ["PGDATABASE"],
    "USER": os.environ["PGUSER"],
    "PASSWORD": os.environ["PGPASSWORD"],
    "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"],
}}
"#;

const DJANGO_TABLES: &str = r#"
from django.db import migrations, models

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("User", [
            ("id", models.BigAutoField(primary_key=True)),
            ("email", models.TextField()),
        ], options={"db_table": "users"}),
        migrations.CreateModel("Order", [
            ("id", models.BigAutoField(primary_key=True)),
            ("user", models.ForeignKey("shop.User", models.CASCADE)),
            ("status", models.TextField()),
            ("placed_at", models.DateTimeField()),
        ], options={"db_table": "orders"}),
    ]
"#;

const DJANGO_COLUMN: &str = r#"
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_tables")]
    operations = [
        migrations.AddField("order", "note", models.TextField(null=True)),
        migrations.AddIndex("order", models.Index(fields=["placed_at"], name="orders_placed_at")),
    ]
"#;

const DJANGO_INDEX: &str = r#"
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_column")]
    operations = [AddIndexConcurrently("order", models.Index(fields=["status"], name="orders_status"))]
"#;

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn django_has_a_transaction_for_each_migration_that_is_atomic() {
    let project = Project::new(&[
        ("settings.py", DJANGO_SETTINGS),
        ("shop/__init__.py", ""),
        ("shop/migrations/__init__.py", ""),
        ("shop/migrations/0001_tables.py", DJANGO_TABLES),
    ]);
    let migrate = "PYTHONPATH=. DJANGO_SETTINGS_MODULE=settings $PGREHEARSE_TOOLS/python/bin/django-admin migrate";
    project.begin_with(migrate);
    project.write(&[
        ("shop/migrations/0002_column.py", DJANGO_COLUMN),
        ("shop/migrations/0003_index.py", DJANGO_INDEX),
    ]);
    project.check(migrate, |run| {
        let alter = lock(run, "add column \"note\"", AccessExclusiveLock);
        let index = lock(run, "create index \"orders_placed_at\"", ShareLock);
        assert!(piled_up(alter, index), "{alter:?}\n{index:?}");
        let concurrently = "create index concurrently \"orders_status\"";
        let gentle = lock(run, concurrently, ShareUpdateExclusiveLock);
        assert!(!piled_up(index, gentle), "{gentle:?}");
        let output = &run.steps[0].command.as_ref().unwrap().output;
        assert!(
            output.contains("Applying shop.0003_index... OK"),
            "{output}"
        );
        assert!(!output.contains("0001_tables"), "{output}");
    });
}
