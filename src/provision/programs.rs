//! The client programs of Postgres, run where a server is: `pg_restore`, `psql`, `pg_dump`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::docker::Inside;
use super::error::{Error, tail};
use super::local::{self, Account};
use super::tls::{Verify, Wanted};

/// What a program reads from its standard input, piece by piece. It ends when the sender is dropped.
pub type Input = mpsc::Receiver<Vec<u8>>;

/// Programs and the way from them to a database. No password is ever among their arguments.
pub struct Programs {
    place: Place,
    environment: Vec<(&'static str, String)>,
    database: String,
}

enum Place {
    /// Installed on this machine, perhaps each in a directory of its own.
    Here {
        bindir: Option<PathBuf>,
        major: u16,
    },
    Container(Inside),
}

/// What libpq would take from our own environment instead.
const NOT_OURS: [&str; 12] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGDATABASE",
    "PGSERVICE",
    "PGOPTIONS",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGTARGETSESSIONATTRS",
];

impl Programs {
    /// Those beside a local server.
    pub(super) fn beside(bindir: &Path, config: &Config) -> Programs {
        let bindir = Some(bindir.to_owned());
        Programs::new(Place::Here { bindir, major: 0 }, config, None)
    }

    /// Those in a container with a server, who come through its socket, which asks for no password.
    pub(super) fn inside(inside: Inside, config: &Config) -> Programs {
        let mut programs = Programs::new(Place::Container(inside), config, None);
        let only = ["PGUSER", "PGDATABASE", "PGAPPNAME"];
        programs.environment.retain(|(name, _)| only.contains(name));
        programs
    }

    /// Those of this machine, for a server elsewhere, which must not be newer than they are.
    pub(super) fn installed(major: u16, config: &Config, wanted: &Wanted) -> Programs {
        let bindir = None;
        Programs::new(Place::Here { bindir, major }, config, Some(wanted))
    }

    fn new(place: Place, config: &Config, wanted: Option<&Wanted>) -> Programs {
        Programs {
            place,
            environment: environment(config, wanted),
            database: config.get_dbname().unwrap_or_default().to_owned(),
        }
    }

    /// The database's name, for programs that want it as an argument.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Where the programs find a file or a directory of this machine: in a container it is copied.
    pub async fn bring(&self, path: &Path) -> Result<String, Error> {
        match &self.place {
            Place::Here { .. } => {
                let full = path.canonicalize();
                let full = full.map_err(|e| Error::io("read", path, e))?;
                Ok(full.to_string_lossy().into_owned())
            }
            Place::Container(inside) => inside.bring(path).await,
        }
    }

    /// Runs a program to its end and returns what it wrote; an error has its last lines.
    pub async fn run(&self, program: &str, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        self.start(program, arguments, None).await
    }

    /// Runs a program that reads `input`.
    pub async fn feed(&self, program: &str, arguments: &[&str], input: Input) -> Result<(), Error> {
        self.start(program, arguments, Some(input)).await.map(drop)
    }

    async fn start(
        &self,
        program: &str,
        arguments: &[&str],
        input: Option<Input>,
    ) -> Result<Vec<u8>, Error> {
        let ended = match &self.place {
            Place::Container(inside) => {
                let environment = &self.environment;
                inside.run(program, arguments, environment, input).await?
            }
            Place::Here { bindir, major } => {
                let path = match bindir {
                    Some(dir) => dir.join(program),
                    None => local::client_program(program, *major)?,
                };
                if !path.is_file() {
                    return Err(missing(program, &path));
                }
                here(&path, arguments, &self.environment, input).await?
            }
        };
        match ended.success {
            true => Ok(ended.output),
            false => Err(Error::Program {
                program: program.to_owned(),
                output: tail(&String::from_utf8_lossy(&ended.complaint)),
            }),
        }
    }
}

/// How a program has ended.
pub(super) struct Ended {
    pub(super) success: bool,
    pub(super) output: Vec<u8>,
    pub(super) complaint: Vec<u8>,
}

fn missing(program: &str, path: &Path) -> Error {
    Error::Program {
        program: program.to_owned(),
        output: format!(
            "there is no {}; install PostgreSQL's client programs of the same version",
            path.display()
        ),
    }
}

async fn here(
    path: &Path,
    arguments: &[&str],
    environment: &[(&'static str, String)],
    input: Option<Input>,
) -> Result<Ended, Error> {
    let mut command = Command::new(path);
    command.args(arguments);
    for name in NOT_OURS {
        command.env_remove(name);
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    // The dump may be one that only we can read.
    Account::Ours.apply(&mut command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let failed = |e| Error::io("run", path, e);
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut stderr = child.stderr.take().expect("it is piped");
    let (mut output, mut complaint) = (Vec::new(), Vec::new());
    let write = async {
        let (Some(mut stdin), Some(mut input)) = (stdin, input) else {
            return;
        };
        while let Some(piece) = input.recv().await {
            // A program that has ended says itself why.
            if stdin.write_all(&piece).await.is_err() {
                return;
            }
        }
        let _ = stdin.shutdown().await;
    };
    let (_, read, complained) = tokio::join!(
        write,
        stdout.read_to_end(&mut output),
        stderr.read_to_end(&mut complaint)
    );
    read.and(complained).map_err(failed)?;
    let status = child.wait().await.map_err(failed)?;
    Ok(Ended {
        success: status.success(),
        output,
        complaint,
    })
}

/// What libpq reads: the password stays out of the list of processes.
fn environment(config: &Config, wanted: Option<&Wanted>) -> Vec<(&'static str, String)> {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    let mut environment = vec![
        ("PGHOST", hosts.join(",")),
        (
            "PGAPPNAME",
            config
                .get_application_name()
                .unwrap_or("pgrehearse")
                .to_owned(),
        ),
        ("PGCONNECT_TIMEOUT", "30".to_owned()),
    ];
    let mut add =
        |name, value: Option<String>| environment.extend(value.map(|value| (name, value)));
    add(
        "PGPORT",
        Some(ports.join(",")).filter(|ports| !ports.is_empty()),
    );
    add("PGUSER", config.get_user().map(ToOwned::to_owned));
    add("PGDATABASE", config.get_dbname().map(ToOwned::to_owned));
    add("PGOPTIONS", config.get_options().map(ToOwned::to_owned));
    let password = config.get_password();
    add(
        "PGPASSWORD",
        password.map(|p| String::from_utf8_lossy(p).into_owned()),
    );
    let verify = wanted.map(|wanted| wanted.verify);
    let mode = match (verify, config.get_ssl_mode()) {
        (Some(Verify::Authority), _) => "verify-ca",
        (Some(Verify::AuthorityAndName), _) => "verify-full",
        (_, SslMode::Disable) => "disable",
        (_, SslMode::Require) => "require",
        _ => "prefer",
    };
    add("PGSSLMODE", Some(mode.to_owned()));
    add(
        "PGSSLROOTCERT",
        wanted.and_then(|wanted| wanted.root_cert.clone()),
    );
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_what_libpq_reads() {
        let url = "postgres://me:s3cret@db:5433/prod?sslmode=require";
        let wanted = Wanted {
            verify: Verify::AuthorityAndName,
            root_cert: Some("/etc/ca.pem".to_owned()),
        };
        let found = environment(&url.parse().unwrap(), Some(&wanted));
        for pair in [
            ("PGHOST", "db"),
            ("PGPORT", "5433"),
            ("PGUSER", "me"),
            ("PGPASSWORD", "s3cret"),
            ("PGDATABASE", "prod"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/etc/ca.pem"),
        ] {
            assert!(found.contains(&(pair.0, pair.1.to_owned())), "{pair:?}");
        }
    }
}
