//! A cache directory of its own for each test, servers to find and to look at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use pgrehearse::postgres::Version;
use pgrehearse::provision::{
    self, Choice, Error, Host, Manifest, OsCache, Role, Server, Settings, Spec, Template,
};
use pgrehearse::talk::{Said, Talk};
use tempfile::TempDir;

pub(super) const KEY: &str = "suite-1";
/// Volumes of one key are shared by all that use the engine, also by tests at the same time.
pub(super) const KILLED_KEY: &str = "killed-1";

/// A cache directory that the server's user may enter, and what was said.
pub(crate) struct Scene {
    pub(super) dir: TempDir,
    said: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        Scene {
            dir,
            said: Arc::default(),
        }
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    pub(crate) fn spec(&self, choice: Choice) -> Spec {
        Spec {
            choice,
            image: None,
            bindir: None,
            url: None,
            os_cache: OsCache::default(),
            port: None,
            cache_dir: self.cache(),
            cache_bytes_max: None,
        }
    }

    pub(crate) fn talk(&self) -> Talk {
        let said = self.said.clone();
        Talk::new(move |one| {
            if let Said::Note(text) = one {
                said.lock().unwrap().push(text);
            }
        })
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    pub(super) async fn open(&self, spec: &Spec) -> Host {
        provision::open(spec, None, &self.talk()).await.unwrap()
    }

    /// Files in a part of the cache.
    pub(crate) fn files(&self, part: &str) -> Vec<String> {
        let Ok(entries) = self.cache().join(part).read_dir() else {
            return Vec::new();
        };
        entries
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }
}

pub(super) fn manifest(version: Version) -> Manifest {
    Manifest {
        dataset: "suite".into(),
        rows: BTreeMap::from([("t".into(), 3)]),
        bytes: 8_000_000,
        seeded_in_ms: 1,
        postgres_version: version,
        tables: serde_json::Value::Null,
    }
}

pub(super) async fn seeded(host: &Host) -> Template {
    seeded_as(KEY, host).await
}

pub(super) async fn seeded_as(key: &str, host: &Host) -> Template {
    assert_eq!(host.template(key).await.unwrap(), None);
    let server = host.start_empty(key).await.unwrap();
    let client = server.connect(Role::Migration).await.unwrap();
    client
        .batch_execute("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 3)")
        .await
        .unwrap();
    drop(client);
    let version = server.version();
    host.seal(server, manifest(version)).await.unwrap()
}

pub(super) async fn value(server: &Server, role: Role, sql: &str) -> String {
    let client = server.connect(role).await.unwrap();
    client.query_one(sql, &[]).await.unwrap().get(0)
}

pub(super) async fn failure(spec: &Spec) -> Error {
    match provision::open(spec, None, &Talk::silent()).await {
        Ok(_) => panic!("it has to be refused"),
        Err(error) => error,
    }
}

/// A server behind a port, in the part of one that a user names.
pub(super) struct Named {
    pub(super) server: Server,
    pub(super) port: u16,
    password: String,
    _host: Host,
    _scene: Scene,
}

impl Named {
    pub(super) async fn start() -> Named {
        Named::start_with(|_| Settings::new()).await
    }

    /// With settings that are made once there is a template.
    pub(super) async fn start_with(settings: impl FnOnce(&Scene) -> Settings) -> Named {
        let scene = Scene::new();
        let mut spec = scene.spec(Choice::Local);
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        spec.port = Some(port);
        let host = scene.open(&spec).await;
        let template = seeded(&host).await;
        let server = host
            .start_clone(&template, &settings(&scene))
            .await
            .unwrap();
        let password = check_pgpass(&scene, port);
        Named {
            server,
            port,
            password,
            _host: host,
            _scene: scene,
        }
    }

    pub(super) async fn mark(&self) {
        let client = self.server.connect(Role::Admin).await.unwrap();
        client
            .batch_execute("COMMENT ON DATABASE app IS 'pgrehearse: disposable'")
            .await
            .unwrap();
    }

    pub(super) fn spec(&self, scene: &Scene) -> Spec {
        self.spec_at(scene, "127.0.0.1", "")
    }

    /// With another name for the host, and parameters of the URL.
    pub(super) fn spec_at(&self, scene: &Scene, host: &str, parameters: &str) -> Spec {
        let mut spec = scene.spec(Choice::Url);
        spec.url = Some(format!(
            "postgres://postgres:{}@{host}:{}/app{parameters}",
            self.password, self.port
        ));
        spec
    }
}

/// The password that was said to be in a file, and nowhere else.
pub(super) fn check_pgpass(scene: &Scene, port: u16) -> String {
    use std::os::unix::fs::PermissionsExt;
    let said = scene.said();
    let path = said.rsplit_once("PGPASSFILE=").unwrap().1;
    let path = Path::new(path.split(' ').next().unwrap());
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    let line = std::fs::read_to_string(path).unwrap();
    let password = line.trim().rsplit(':').next().unwrap().to_owned();
    assert_eq!(line.trim(), format!("*:{port}:*:*:{password}"));
    assert!(!said.contains(&password));
    password
}

/// How many servers run on data directories below `dir`.
pub(super) fn servers_in(dir: &Path) -> usize {
    let dir = dir.canonicalize().unwrap();
    let processes = Path::new("/proc").read_dir().unwrap().flatten();
    processes
        .filter(|process| {
            let is_postmaster = std::fs::read(process.path().join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains("listen_addresses"));
            is_postmaster
                && std::fs::read_link(process.path().join("cwd"))
                    .is_ok_and(|cwd| cwd.starts_with(&dir))
        })
        .count()
}

/// The containers that carry the name of this cache.
pub(super) fn containers_of(scene: &Scene) -> String {
    let id = std::fs::read_to_string(scene.cache().join("id")).unwrap();
    docker(&[
        "ps",
        "-aq",
        "--filter",
        &format!("label=pgrehearse.host={id}"),
    ])
}

/// The volumes that carry the name of this cache.
pub(super) fn volumes_of(scene: &Scene) -> String {
    let id = std::fs::read_to_string(scene.cache().join("id")).unwrap();
    let filter = format!("label=pgrehearse.host={id}");
    docker(&["volume", "ls", "-q", "--filter", &filter])
}

/// The versions of which this machine has the image.
pub(super) fn docker_majors() -> Vec<u16> {
    docker(&["images", "postgres", "--format", "{{.Tag}}"])
        .lines()
        .filter_map(|tag| tag.parse().ok())
        .collect()
}

pub(super) fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
