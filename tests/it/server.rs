//! A server of its own for a test that looks into databases, from whatever this machine has.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use pgrehearse::provision::{self, Choice, Role};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};

use crate::provision::scene::Scene;

/// A running server with its cache; all of it ends with the value, within a multi-threaded runtime.
pub(crate) struct Server {
    running: Mutex<Option<provision::Server>>,
    config: Config,
    _host: provision::Host,
    _scene: Scene,
}

/// Docker's volumes are named by their key, whichever cache they belong to.
static NEXT_KEY: AtomicU32 = AtomicU32::new(0);

impl Server {
    pub(crate) async fn start() -> Server {
        Server::start_on(Choice::Auto, None).await
    }

    pub(crate) async fn start_on(choice: Choice, major: Option<u16>) -> Server {
        let scene = Scene::new();
        let host = provision::open(&scene.spec(choice), major, &scene.talk()).await;
        let host = host.unwrap_or_else(|error| panic!("{error}"));
        let number = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        let key = format!("test-{}-{number}", std::process::id());
        let server = host.start_empty(&key).await.unwrap();
        Server {
            config: server.config(Role::Migration),
            running: Mutex::new(Some(server)),
            _host: host,
            _scene: scene,
        }
    }

    /// The way to a new, empty database, as the one who owns it.
    pub(crate) async fn database(&self, name: &str) -> Config {
        let client = connect(&self.config).await;
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        client.batch_execute(&create).await.unwrap();
        let mut config = self.config.clone();
        config.dbname(name);
        config
    }

    /// The same way as a URL.
    pub(crate) fn url(&self, database: &str) -> String {
        let user = self.config.get_user().unwrap();
        let password = self.config.get_password().unwrap_or_default();
        let host = match &self.config.get_hosts()[0] {
            Host::Tcp(name) => name.clone(),
            Host::Unix(dir) => dir.to_str().unwrap().replace('/', "%2F"),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        format!(
            "postgres://{user}:{}@{host}:{port}/{database}",
            String::from_utf8_lossy(password)
        )
    }

    /// Stops it at once, whatever it does.
    pub(crate) fn stop(&self) {
        drop(self.running.lock().unwrap().take());
    }
}

pub(crate) async fn connect(config: &Config) -> Client {
    provision::connect(config).await.unwrap()
}
