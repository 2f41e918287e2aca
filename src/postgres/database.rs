//! Databases of a server and their comments: the statements that read them.

/// The comment that marks a database as one whose server a rehearsal may use.
pub const DISPOSABLE: &str = "pgrehearse: disposable";

/// The comment on the current database: one row, null where there is none.
pub const CURRENT_COMMENT: &str = "SELECT current_database()::text, shobj_description(oid, 'pg_database') \
     FROM pg_database WHERE datname = current_database()";

/// Name and comment of every database whose comment starts with `$1`.
pub const BY_COMMENT: &str = "SELECT datname::text, shobj_description(oid, 'pg_database') \
     FROM pg_database WHERE starts_with(shobj_description(oid, 'pg_database'), $1) ORDER BY 1";

/// The comment on the database `$1`: no row where there is no such database.
pub const COMMENT_OF: &str =
    "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1";
