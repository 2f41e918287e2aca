//! Primary and unique keys.

use super::{full, holds};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_all_kinds_are_unique() {
    let server = Server::start().await;
    let schema = "
        CREATE TYPE plan AS ENUM ('free', 'pro', 'team');
        CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, name varchar(40) NOT NULL,
            handle varchar(20) UNIQUE, api_token char(40) NOT NULL UNIQUE);
        CREATE UNIQUE INDEX users_lower ON users (lower(email));
        CREATE UNIQUE INDEX users_named ON users (lower(name)) WHERE handle IS NOT NULL;
        CREATE TABLE numbered (id integer PRIMARY KEY, serial numeric(12,0) UNIQUE, at timestamptz UNIQUE NOT NULL, day date);
        CREATE TABLE plans (kind plan PRIMARY KEY, price numeric(6,2) NOT NULL);
        CREATE TABLE flags (user_id bigint REFERENCES users, name varchar(30), PRIMARY KEY (user_id, name));
        CREATE TABLE likes (user_id bigint NOT NULL REFERENCES users, other_id bigint NOT NULL REFERENCES users,
            UNIQUE (user_id, other_id));
        CREATE TABLE days (user_id bigint REFERENCES users, day date, PRIMARY KEY (user_id, day));
        CREATE TABLE only_days (day date PRIMARY KEY, n int NOT NULL);
        CREATE TABLE daily (day date NOT NULL, kind plan NOT NULL, n int, at timestamptz, PRIMARY KEY (day, kind));
        CREATE TABLE codes (code char(2) PRIMARY KEY, name text NOT NULL UNIQUE);
        CREATE TABLE small (id smallserial PRIMARY KEY, x int);
        CREATE TABLE versions (document uuid, version int, at timestamptz, PRIMARY KEY (document, version));
    ";
    let (client, seeded) = full(&server, "keys", schema, 8_000).await;
    assert_eq!(seeded.rows["plans"], 3);
    assert_eq!(seeded.rows["users"], 8_000);
    holds(
        &client,
        "emails look like emails",
        "SELECT bool_and(email ~ '^[a-z.]+.*@') FROM users",
    )
    .await;
}
