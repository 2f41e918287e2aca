//! A database of a server that somebody else runs, as it is named: to read it, or to change it where it is disposable.

use tokio_postgres::{Client, Config};

use super::access::{self, Access};

use super::programs::Programs;
use super::tls::Wanted;
use super::url::{connect, parse, refuse_unmarked};
use super::{Error, Role};
use crate::postgres::Version;

/// A database that the user names, itself and not a copy of it.
pub struct Named {
    /// Holds a password: never print it.
    pub config: Config,
    pub version: Version,
    wanted: Wanted,
}

impl Named {
    /// A database that is only read. `argument` is what the URL was given with.
    pub async fn to_read(url: &str, argument: &str) -> Result<Named, Error> {
        let (named, _) = Named::open(url, argument).await?;
        Ok(named)
    }

    /// A database that may be changed: it is marked as disposable.
    pub async fn to_change(url: &str, argument: &str) -> Result<Named, Error> {
        let (named, client) = Named::open(url, argument).await?;
        refuse_unmarked(&client).await?;
        Ok(named)
    }

    /// The client programs of this machine, for this database.
    pub fn programs(&self) -> Programs {
        Programs::installed(self.version.major(), &self.config, &self.wanted)
    }

    async fn open(url: &str, argument: &str) -> Result<(Named, Client), Error> {
        let open = async {
            let (config, wanted) = parse(Some(url))?;
            let config = Access::named(&config, None).config(Role::Admin);
            let client = connect(&config).await?;
            let version = access::supported_version(&client).await?;
            let named = Named {
                config,
                version,
                wanted,
            };
            Ok((named, client))
        };
        open.await
            .map_err(|error: Error| error.of_argument(argument))
    }
}
