//! Foreign keys of all kinds.

use super::{filled, full, holds};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trees_circles_and_pairs_are_filled() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE categories (id serial PRIMARY KEY, parent_id int REFERENCES categories, name text NOT NULL);
        CREATE TABLE folders (id uuid PRIMARY KEY, parent_id uuid NOT NULL REFERENCES folders, created_at timestamptz);
        CREATE TABLE chain (id int PRIMARY KEY, next_id int UNIQUE REFERENCES chain, at timestamptz NOT NULL);
        CREATE TABLE teams (id bigserial PRIMARY KEY, leader_id bigint NOT NULL, made_on date NOT NULL);
        CREATE TABLE people (id bigserial PRIMARY KEY, team_id bigint NOT NULL REFERENCES teams, born_on date,
            best_friend_id bigint UNIQUE REFERENCES people);
        ALTER TABLE teams ADD FOREIGN KEY (leader_id) REFERENCES people DEFERRABLE INITIALLY DEFERRED;
        CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES people ON DELETE CASCADE, bio text);
        CREATE TABLE badges (profile_id bigint NOT NULL UNIQUE REFERENCES profiles, label text, given_at timestamptz);
        CREATE TABLE known (code varchar(12) UNIQUE, at timestamptz);
        CREATE TABLE knows (code varchar(12) NOT NULL REFERENCES known (code), at timestamptz);
    ";
    let (client, _) = full(&server, "trees", schema, 1_500).await;
    holds(
        &client,
        "categories are a tree",
        "SELECT bool_and(parent_id < id OR id = 1) FROM categories",
    )
    .await;
    holds(
        &client,
        "some are roots",
        "SELECT count(*) BETWEEN 5 AND 1000 FROM categories WHERE parent_id IS NULL",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_several_columns_share_tenants() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL);
        CREATE TABLE users (tenant_id int REFERENCES tenants, id bigint, email text NOT NULL, PRIMARY KEY (tenant_id, id),
            UNIQUE (tenant_id, email));
        CREATE TABLE projects (tenant_id int REFERENCES tenants, id bigint, name text, PRIMARY KEY (tenant_id, id));
        CREATE TABLE tasks (tenant_id int REFERENCES tenants, id bigint, project_id bigint NOT NULL, owner_id bigint NOT NULL,
            reviewer_id bigint, parent_id bigint, PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, project_id) REFERENCES projects, FOREIGN KEY (tenant_id, owner_id) REFERENCES users,
            FOREIGN KEY (tenant_id, reviewer_id) REFERENCES users, FOREIGN KEY (tenant_id, parent_id) REFERENCES tasks);
        CREATE TABLE orders (id bigserial PRIMARY KEY, placed_at timestamptz NOT NULL);
        CREATE TABLE lines (order_id bigint REFERENCES orders, line int, amount numeric(8,2), PRIMARY KEY (order_id, line));
        CREATE TABLE shipments (order_id bigint, line int, at timestamptz, PRIMARY KEY (order_id, line),
            FOREIGN KEY (order_id, line) REFERENCES lines);
        CREATE TABLE optional (a bigint, b int, at timestamptz, FOREIGN KEY (a, b) REFERENCES lines MATCH FULL);
    ";
    let (client, _) = full(&server, "tenants", schema, 2_000).await;
    holds(&client, "lines are numbered", "SELECT bool_and(line <= n) FROM (SELECT line, count(*) OVER (PARTITION BY order_id) n FROM lines) x").await;
    holds(&client, "tasks have owners of their tenant", "SELECT count(*) > 1000 FROM tasks JOIN users ON users.id = owner_id AND users.tenant_id = tasks.tenant_id").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_parent_stays_empty_and_says_why() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE of_parts (id bigserial PRIMARY KEY, part int NOT NULL, day date NOT NULL, FOREIGN KEY (part, day) REFERENCES parts);
        CREATE TABLE maybe (id bigserial PRIMARY KEY, part int, day date NOT NULL, FOREIGN KEY (part, day) REFERENCES parts);
    ";
    let (client, seeded) = filled(&server, "orphans", schema, 500).await;
    assert_eq!(seeded.empty.len(), 2, "{:?}", seeded.empty);
    assert!(
        seeded.empty["parts"].contains("PARTITION OF"),
        "{:?}",
        seeded.empty
    );
    assert!(
        seeded.empty["of_parts"].contains("of_parts_part_day_fkey"),
        "{:?}",
        seeded.empty
    );
    holds(
        &client,
        "what may be NULL is",
        "SELECT count(*) = 500 FROM maybe WHERE part IS NULL",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_references_that_must_differ_do() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE areas (id serial PRIMARY KEY, name text NOT NULL);
        CREATE TABLE links (id serial PRIMARY KEY, one int NOT NULL REFERENCES areas, other int NOT NULL REFERENCES areas,
            made_at timestamptz, CHECK (one <> other));
        CREATE TABLE pairs (one int NOT NULL REFERENCES areas, other int NOT NULL REFERENCES areas, PRIMARY KEY (one, other),
            CHECK (other <> one));
        CREATE TABLE merges (id serial PRIMARY KEY, old uuid NOT NULL, kept int REFERENCES areas, gone int REFERENCES areas,
            CHECK (kept IS DISTINCT FROM gone OR kept IS NULL));
    ";
    let (client, _) = full(&server, "apart", schema, 3_000).await;
    holds(
        &client,
        "all areas are referred to alike",
        "SELECT count(DISTINCT one) > 150 AND count(DISTINCT other) > 150 FROM links",
    )
    .await;
}
