//! Starts a server on a data directory, behind a private socket and perhaps a port of the loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Doomed, Local, Process, create_private, socket_fallback};
use crate::provision::access::{self, Access, Readiness};
use crate::provision::{Error, Settings};

const START_LIMIT: Duration = Duration::from_secs(60);
/// What `sockaddr_un` leaves for a path on the narrowest of systems.
const SOCKET_PATH_MAX: usize = 103;
const DEFAULT_PORT: u16 = 5432;

impl Local {
    /// Starts a server on `data`. The `doomed` directories go with it, or now if it cannot start.
    pub(super) async fn launch(
        &self,
        data: &Path,
        run: &Path,
        mut doomed: Doomed,
        settings: &Settings,
        is_new: bool,
    ) -> Result<(Process, Access), Error> {
        let port = self.port.unwrap_or(DEFAULT_PORT);
        let socket = self.socket_dir(run, port)?;
        doomed.add(&socket);
        let hba = self.write_hba(run)?;
        let mut command = Command::new(self.binaries.program("postgres"));
        // What is given later wins, so no setting can open the server to others.
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let listen = self.port.map_or("", |_| "127.0.0.1");
        command
            .arg("-D")
            .arg(data)
            .arg("-k")
            .arg(&socket)
            .args(["-p", &port.to_string()])
            .args(["-c", &format!("listen_addresses={listen}")])
            .args(["-c", &format!("hba_file={}", hba.display())])
            .current_dir("/");
        self.account.apply(&mut command);
        let process = Process::spawn(&mut command, &run.join("server.log"), data, doomed)?;
        let access = Access::socket(&socket, port);
        self.greet(&process, &access, run, is_new).await?;
        Ok((process, access))
    }

    /// Waits for the server and brings its roles into shape.
    async fn greet(
        &self,
        process: &Process,
        access: &Access,
        run: &Path,
        is_new: bool,
    ) -> Result<(), Error> {
        let died = async || process.died();
        let admin = match access::wait_until_ready(&access.maintenance(), START_LIMIT, died).await?
        {
            Readiness::Ready(admin) => admin,
            Readiness::WrongPassword => unreachable!("the private socket asks for no password"),
        };
        if is_new {
            access::create_roles(&admin).await?;
        }
        if let Some(port) = self.port {
            let password = access::random_password();
            access::set_passwords(&admin, &password).await?;
            access::write_pgpass(run, port, &password, &self.talk)?;
        }
        Ok(())
    }

    /// Lets in whoever can enter the private directory, and over TCP who has the password.
    fn write_hba(&self, run: &Path) -> Result<PathBuf, Error> {
        let tcp = self
            .port
            .map_or("", |_| "host all all 127.0.0.1/32 scram-sha-256\n");
        let path = run.join("pg_hba.conf");
        fs::write(&path, format!("local all all trust\n{tcp}"))
            .map_err(|e| Error::io("write", &path, e))?;
        self.account.own(&path)?;
        Ok(path)
    }

    /// The socket's directory: in the run's, or in a short one if its path would not fit.
    fn socket_dir(&self, run: &Path, port: u16) -> Result<PathBuf, Error> {
        let inside = run.join("s");
        let length = inside.as_os_str().len() + format!("/.s.PGSQL.{port}").len();
        let dir = if length <= SOCKET_PATH_MAX {
            inside
        } else {
            socket_fallback(&run.file_name().unwrap_or_default().to_string_lossy())
        };
        create_private(&dir)?;
        self.account.own(&dir)?;
        Ok(dir)
    }
}
