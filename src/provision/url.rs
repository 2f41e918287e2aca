//! Databases on a server that the user names, if its database is marked as disposable.
//!
//! Comments tell our databases from others: nothing without one of ours is ever dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config};

use super::access::{self, Access};
use super::locks::Owner;
use super::tls::Wanted;
use super::{Error, Manifest, Role, Settings, Spec, tls};
use crate::input::Problem;
use crate::postgres::failure::in_words;
use crate::postgres::relation::{quote_identifier, quote_literal};
use crate::postgres::{Version, database};
use crate::talk::Talk;
use crate::units;

const CONNECT_LIMIT: Duration = Duration::from_secs(30);
const DROP_LIMIT: Duration = Duration::from_secs(60);

/// Starts the comment on a database that is being seeded, before the names of cache and owner.
const BUILDING: &str = "pgrehearse: building";
/// Starts the comment on a database that a run uses, before the names of cache and owner.
const RUN: &str = "pgrehearse: run";
/// Starts the comment on a template, before its manifest.
const SEALED: &str = "pgrehearse: sealed";

/// A named server.
pub(super) struct Url {
    config: Config,
    wanted: Wanted,
    version: Version,
    owner: Arc<Owner>,
}

/// A database of ours on it. Dropping this drops it.
pub(super) struct Database {
    name: String,
    /// How to reach another database of the server.
    config: Config,
    wanted: Wanted,
    is_doomed: bool,
}

impl Database {
    /// What the URL says of TLS beside its config.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }
}

impl Url {
    pub(super) async fn open(spec: &Spec, owner: &Arc<Owner>, talk: &Talk) -> Result<Url, Error> {
        let (config, wanted) = parse(spec.url.as_deref())?;
        let admin = Access::named(&config, None).config(Role::Admin);
        let client = connect(&admin).await?;
        let version = access::supported_version(&client).await?;
        refuse_unmarked(&client).await?;
        let url = Url {
            config: admin,
            wanted,
            version,
            owner: owner.clone(),
        };
        url.sweep(&client, talk).await?;
        Ok(url)
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn lock_name(&self, key: &str) -> String {
        format!("url-{key}")
    }

    pub(super) async fn sealed(&self, key: &str) -> Result<Option<Manifest>, Error> {
        let client = connect(&self.config).await?;
        let comment = comment_of(&client, &template_name(key)).await?;
        Ok(comment.flatten().and_then(|text| manifest_in(&text)))
    }

    /// Drops a template that was not finished; whether there was one.
    pub(super) async fn clear(&self, key: &str) -> Result<bool, Error> {
        let client = connect(&self.config).await?;
        let name = template_name(key);
        match comment_of(&client, &name).await? {
            None => Ok(false),
            Some(Some(comment)) if manifest_in(&comment).is_some() => Ok(false),
            Some(Some(comment)) if self.is_ours(&comment) || comment.starts_with(SEALED) => {
                drop_database(&client, &name).await?;
                Ok(true)
            }
            Some(_) => Err(Error::Sql {
                doing: format!("use the name {name}"),
                reason: "a database of that name is there already, which another machine is \
                         seeding or has left; wait for it, or drop it"
                    .to_owned(),
            }),
        }
    }

    /// An empty database that is to become a template.
    pub(super) async fn create(&self, key: &str) -> Result<(Database, Access), Error> {
        self.add(template_name(key), "TEMPLATE template0", BUILDING)
            .await
    }

    /// Makes the template complete by changing its comment.
    pub(super) async fn seal(&self, mut built: Database, manifest: &Manifest) -> Result<(), Error> {
        let client = connect(&self.config).await?;
        // Only some roles may, and the server does it on its own before long.
        let _ = client.batch_execute("CHECKPOINT").await;
        let text = serde_json::to_string(manifest).expect("a manifest is plain data");
        let name = quote_identifier(&built.name);
        // In one message, and so in one transaction.
        let sql = format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false; COMMENT ON DATABASE {name} IS {}",
            quote_literal(&format!("{SEALED} {text}"))
        );
        client
            .batch_execute(&sql)
            .await
            .map_err(|e| Error::sql(format!("complete the template {}", built.name), &e))?;
        built.is_doomed = false;
        Ok(())
    }

    pub(super) async fn clone_of(&self, key: &str) -> Result<(Database, Access), Error> {
        let mut options = format!("TEMPLATE {}", quote_identifier(&template_name(key)));
        if self.version.major() >= 15 {
            // By far the faster way for a database of any size.
            options += " STRATEGY file_copy";
        }
        let name = format!("pgrehearse_r_{}", self.owner.next_run().replace('-', "_"));
        self.add(name, &options, RUN).await
    }

    /// Applies what a database's owner may set for it; the names of the other settings.
    pub(super) async fn apply(
        &self,
        database: &Database,
        settings: &Settings,
    ) -> Result<Vec<String>, Error> {
        let client = connect(&self.config).await?;
        let mut unset = Vec::new();
        for (name, value) in settings {
            let quoted: Vec<String> = name.split('.').map(quote_identifier).collect();
            let sql = format!(
                "ALTER DATABASE {} SET {} TO {}",
                quote_identifier(&database.name),
                quoted.join("."),
                quote_literal(value)
            );
            if client.batch_execute(&sql).await.is_err() {
                unset.push(name.clone());
            }
        }
        Ok(unset)
    }

    /// Drops all templates, whoever made them: the server is there for nothing else.
    pub(super) async fn clean(&self, talk: &Talk) -> Result<(), Error> {
        let client = connect(&self.config).await?;
        for (name, comment) in with_comment(&client, SEALED).await? {
            let bytes = manifest_in(&comment).map_or(0, |manifest| manifest.bytes);
            let bytes = units::bytes(bytes);
            talk.note(format!("dropping the template database {name}, {bytes}"));
            drop_database(&client, &name).await?;
        }
        Ok(())
    }

    async fn add(
        &self,
        name: String,
        options: &str,
        mark: &str,
    ) -> Result<(Database, Access), Error> {
        let client = connect(&self.config).await?;
        let quoted = quote_identifier(&name);
        client
            .batch_execute(&format!("CREATE DATABASE {quoted} {options}"))
            .await
            .map_err(|e| not_created(&name, &e))?;
        let database = Database {
            name,
            config: self.config.clone(),
            wanted: self.wanted.clone(),
            is_doomed: true,
        };
        let mark = format!("{mark} {} {}", self.owner.cache.id, self.owner.id);
        client
            .batch_execute(&format!(
                "COMMENT ON DATABASE {quoted} IS {}",
                quote_literal(&mark)
            ))
            .await
            .map_err(|e| Error::sql(format!("mark the database {} as ours", database.name), &e))?;
        let access = Access::named(&self.config, Some(&database.name));
        Ok((database, access))
    }

    /// Drops what killed runs of this cache have left.
    async fn sweep(&self, client: &Client, talk: &Talk) -> Result<(), Error> {
        for mark in [RUN, BUILDING] {
            for (name, comment) in with_comment(client, mark).await? {
                let owner = comment.rsplit(' ').next().unwrap_or_default();
                if self.is_ours(&comment) && !self.owner.cache.is_alive(owner) {
                    talk.note(format!(
                        "dropping the database {name}, left by a run that was killed"
                    ));
                    drop_database(client, &name).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether the comment is on a database of a process that used this cache.
    fn is_ours(&self, comment: &str) -> bool {
        let cache = &self.owner.cache.id;
        [RUN, BUILDING]
            .iter()
            .any(|mark| comment.starts_with(&format!("{mark} {cache} ")))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.is_doomed {
            return;
        }
        let (name, config) = (self.name.clone(), self.config.clone());
        // Whatever runtime we are dropped in, if any, is not there to be waited for.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            // What cannot be dropped now has our comment, and the next sweep finds it.
            let _ = runtime.block_on(async {
                let drop = async { drop_database(&connect(&config).await?, &name).await };
                timeout(DROP_LIMIT, drop).await
            });
        });
        let _ = thread.join();
    }
}

/// The parts of the URL. No message repeats any of it: it holds a password.
pub(super) fn parse(url: Option<&str>) -> Result<(Config, Wanted), Error> {
    let problem = |text: &str, hint: &str| {
        let mut problem = Problem::new(text).hint(hint);
        problem.key = Some("--url".to_owned());
        Error::argument(problem)
    };
    let form = "write it as postgres://user:password@host:5432/database";
    let url = url.ok_or_else(|| problem("is missing", form))?;
    let (url, wanted) = tls::take_from(url);
    let config: Config = url
        .parse()
        .map_err(|_| problem("is not the URL of a Postgres database", form))?;
    if config.get_hosts().is_empty() {
        return Err(problem("names no host", form));
    }
    tls::want(&config, &wanted)
        .map_err(|reason| problem(&reason, "or use sslmode=require, which verifies nothing"))?;
    Ok((config, wanted))
}

pub(super) async fn connect(config: &Config) -> Result<Client, Error> {
    let refused = match timeout(CONNECT_LIMIT, access::connect(config)).await {
        Ok(Ok(client)) => return Ok(client),
        Ok(Err(e)) => e,
        Err(_) => {
            let reason = format!("no answer within {} s", CONNECT_LIMIT.as_secs());
            return Err(Error::Connect { reason });
        }
    };
    let reason = in_words(&refused);
    let wrong_in_the_url = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_CATALOG_NAME,
    ];
    match refused.code() {
        Some(code) if wrong_in_the_url.contains(code) => {
            let mut problem = Problem::new(reason);
            problem.key = Some("--url".to_owned());
            Err(Error::argument(problem))
        }
        _ => Err(Error::Connect { reason }),
    }
}

pub(super) async fn refuse_unmarked(client: &Client) -> Result<(), Error> {
    let row = client
        .query_one(database::CURRENT_COMMENT, &[])
        .await
        .map_err(|e| Error::sql("read the database's comment", &e))?;
    match row.get::<_, Option<&str>>(1) {
        Some(comment) if comment.trim() == database::DISPOSABLE => Ok(()),
        _ => Err(Error::NotDisposable {
            database: row.get(0),
        }),
    }
}

/// `None` where there is no such database.
async fn comment_of(client: &Client, name: &str) -> Result<Option<Option<String>>, Error> {
    let row = client
        .query_opt(database::COMMENT_OF, &[&name])
        .await
        .map_err(|e| Error::sql("read a database's comment", &e))?;
    Ok(row.map(|row| row.get(0)))
}

async fn with_comment(client: &Client, start: &str) -> Result<Vec<(String, String)>, Error> {
    let rows = client
        .query(database::BY_COMMENT, &[&start])
        .await
        .map_err(|e| Error::sql("read the databases' comments", &e))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn drop_database(client: &Client, name: &str) -> Result<(), Error> {
    let sql = format!(
        "DROP DATABASE IF EXISTS {} WITH (FORCE)",
        quote_identifier(name)
    );
    client
        .batch_execute(&sql)
        .await
        .map_err(|e| Error::sql(format!("drop the database {name}"), &e))
}

fn not_created(name: &str, error: &tokio_postgres::Error) -> Error {
    let mut failed = Error::sql(format!("create the database {name}"), error);
    if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
        && let Error::Sql { reason, .. } = &mut failed
    {
        *reason += "; run there, as a superuser: ALTER ROLE … CREATEDB, for the user of --url";
    }
    failed
}

fn manifest_in(comment: &str) -> Option<Manifest> {
    serde_json::from_str(comment.strip_prefix(SEALED)?).ok()
}

fn template_name(key: &str) -> String {
    format!("pgrehearse_t_{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_none_is_refused_without_repeating_it() {
        for url in [
            "postgres://me:s3cret@host:not-a-port/db",
            "me:s3cret@host/db",
            "postgres://me:s3cret@host/db?sslmode=verify-full&sslrootcert=/nonexistent.pem",
            "user=me password=s3cret",
        ] {
            let error = parse(Some(url)).unwrap_err();
            assert!(error.is_bad_input());
            let text = error.to_string();
            assert!(text.starts_with("--url: "), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert!(parse(None).unwrap_err().is_bad_input());
        assert!(parse(Some("postgres://me:s3cret@host:5433/db")).is_ok());
    }
}
