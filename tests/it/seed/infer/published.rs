//! Traits of applications' published schemas that made trouble, each in a schema of its own.

use super::{full, holds};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_view_groups_by_stays() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE jobs (id bigserial PRIMARY KEY, name text NOT NULL, started_at timestamptz);
        CREATE TABLE tasks (id bigserial PRIMARY KEY, job_id bigint NOT NULL REFERENCES jobs);
        CREATE VIEW stats AS SELECT j.id, j.name, j.started_at, count(*) AS tasks
            FROM jobs j JOIN tasks t ON t.job_id = j.id GROUP BY j.id;
    ";
    full(&server, "view", schema, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_keys_that_only_partitions_have_are_met() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE rentals (id serial PRIMARY KEY, at timestamptz NOT NULL);
        CREATE TABLE payments (id bigserial, rental int NOT NULL, paid_at timestamptz NOT NULL) PARTITION BY RANGE (paid_at);
        CREATE TABLE payments_1 PARTITION OF payments FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
        CREATE TABLE payments_2 PARTITION OF payments FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
        ALTER TABLE payments_1 ADD FOREIGN KEY (rental) REFERENCES rentals;
        ALTER TABLE payments_2 ADD FOREIGN KEY (rental) REFERENCES rentals;
    ";
    full(&server, "parts", schema, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_that_no_text_can_be_made_for_are_met_by_texts_of_another_kind() {
    let server = Server::start().await;
    let schema = r"
        CREATE FUNCTION is_neat(t text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT t !~ '\s{2}' AND btrim(t) = t $$;
        CREATE TABLE teams (id serial PRIMARY KEY, name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9](?:[a-z0-9]|[-.](?=[a-z0-9]))*-?$'),
            motto text NOT NULL CHECK (is_neat(motto)), rating varchar(1) NOT NULL,
            mode text NOT NULL CHECK (mode = ANY ('{BLOCK,ALLOW}'::text[])));
    ";
    let (client, _) = full(&server, "texts", schema, 5_000).await;
    holds(
        &client,
        "each mode is there",
        "SELECT count(DISTINCT mode) = 2 FROM teams",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_computed_from_a_column_fits_its_type() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE films (id serial PRIMARY KEY, length smallint,
            hours numeric(4,2) GENERATED ALWAYS AS (round(length / 60.0, 2)) STORED);
    ";
    full(&server, "computed", schema, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_may_name_the_parents_that_a_child_may_have() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE classes (id serial PRIMARY KEY, class text NOT NULL);
        CREATE TABLE accounts (id serial PRIMARY KEY, class_id int NOT NULL REFERENCES classes CHECK (class_id IN (1, 2)));
    ";
    full(&server, "classes", schema, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn families_get_smaller_where_another_key_limits_them() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE workspaces (id uuid PRIMARY KEY, name text NOT NULL);
        CREATE TABLE jobs (id uuid PRIMARY KEY, at timestamptz NOT NULL);
        CREATE TABLE builds (id uuid PRIMARY KEY, workspace_id uuid NOT NULL REFERENCES workspaces, build_number int NOT NULL,
            job_id uuid NOT NULL UNIQUE REFERENCES jobs, UNIQUE (workspace_id, build_number));
        CREATE TABLE rates (id uuid PRIMARY KEY, job_id uuid NOT NULL REFERENCES jobs, code text NOT NULL, from_day timestamp NOT NULL);
        CREATE UNIQUE INDEX ON rates (job_id, code);
        CREATE UNIQUE INDEX ON rates (job_id, from_day);
        CREATE TABLE downloads (job_id uuid NOT NULL REFERENCES jobs, date date NOT NULL, PRIMARY KEY (job_id, date));
    ";
    full(&server, "families", schema, 3_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_a_chain_of_keys_shares_is_the_same_throughout() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE workspaces (id text PRIMARY KEY);
        CREATE TABLE directories (id text PRIMARY KEY);
        CREATE TABLE shared (directory_id text NOT NULL REFERENCES directories, workspace_id text NOT NULL REFERENCES workspaces,
            PRIMARY KEY (directory_id, workspace_id));
        CREATE TABLE sources (id text PRIMARY KEY, workspace_id text NOT NULL REFERENCES workspaces,
            directory_id text NOT NULL REFERENCES directories, UNIQUE (id, workspace_id),
            FOREIGN KEY (directory_id, workspace_id) REFERENCES shared);
        CREATE TABLE mappings (id text PRIMARY KEY, source_id text NOT NULL, workspace_id text NOT NULL REFERENCES workspaces,
            FOREIGN KEY (source_id, workspace_id) REFERENCES sources (id, workspace_id));
    ";
    full(&server, "chain", schema, 500).await;
}
