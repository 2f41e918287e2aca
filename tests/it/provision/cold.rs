//! A cold start: what a server reads, it reads from disk.

use pgrehearse::provision::{Choice, Host, OsCache, Role, Server, Settings};

use super::scene::{Scene, containers_of, docker, manifest};

const TABLE_BYTES: u64 = 40 << 20;

/// Docker's volumes are named by their key, whichever cache they belong to.
const COLD_KEY: &str = "cold-1";

/// How much the server's process read from disk in a scan of the whole table.
async fn scanned_from_disk(
    host: &Host,
    disk_bytes_read: impl Fn(i32) -> Option<u64>,
) -> Option<u64> {
    let template = match host.template(COLD_KEY).await.unwrap() {
        Some(template) => template,
        None => {
            let server = host.start_empty(COLD_KEY).await.unwrap();
            fill(&server).await;
            let version = server.version();
            host.seal(server, manifest(version)).await.unwrap()
        }
    };
    let settings = Settings::from([("max_parallel_workers_per_gather".into(), "0".into())]);
    let server = host.start_clone(&template, &settings).await.unwrap();
    let client = server.connect(Role::Admin).await.unwrap();
    let row = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap();
    let pid: i32 = row.get(0);
    let before = disk_bytes_read(pid)?;
    client
        .query_one("SELECT count(*) FROM t", &[])
        .await
        .unwrap();
    Some(disk_bytes_read(pid)? - before)
}

async fn fill(server: &Server) {
    let client = server.connect(Role::Migration).await.unwrap();
    let sql = format!(
        "CREATE TABLE t AS SELECT repeat(md5(i::text), 60) AS a FROM generate_series(1, {}) i",
        TABLE_BYTES / 2048
    );
    client.batch_execute(&sql).await.unwrap();
    client.batch_execute("VACUUM t").await.unwrap();
}

/// `read_bytes` of `/proc/<pid>/io`: what the process caused to be fetched from disk.
fn read_bytes(io: &str) -> Option<u64> {
    let line = io
        .lines()
        .find_map(|line| line.strip_prefix("read_bytes: "))?;
    line.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_clone_is_read_from_disk_and_a_warm_one_is_not() {
    let scene = Scene::new();
    let of_process =
        |pid: i32| read_bytes(&std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?);
    let mut spec = scene.spec(Choice::Local);
    let warm = scanned_from_disk(&scene.open(&spec).await, of_process).await;
    spec.os_cache = OsCache::Cold;
    let cold = scanned_from_disk(&scene.open(&spec).await, of_process).await;
    check(&scene, warm, cold);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with postgres images"]
async fn a_cold_clone_in_a_container_is_read_from_disk() {
    let scene = Scene::new();
    let of_process = |pid: i32| {
        let container = containers_of(&scene);
        let file = format!("/proc/{pid}/io");
        read_bytes(&docker(&[
            "exec", "-u", "postgres", &container, "cat", &file,
        ]))
    };
    let mut spec = scene.spec(Choice::Docker);
    let warm = scanned_from_disk(&scene.open(&spec).await, of_process).await;
    spec.os_cache = OsCache::Cold;
    let cold = scanned_from_disk(&scene.open(&spec).await, of_process).await;
    check(&scene, warm, cold);
    pgrehearse::provision::clean(&spec, &scene.talk())
        .await
        .unwrap();
}

fn check(scene: &Scene, warm: Option<u64>, cold: Option<u64>) {
    const TMPFS_MAGIC: u64 = 0x0102_1994;
    let disk = rustix::fs::statfs(scene.dir.path()).unwrap();
    let (Some(warm), Some(cold)) = (warm, cold) else {
        // Not every system tells.
        return;
    };
    // What is in memory for good is never read from disk.
    if disk.f_type as u64 != TMPFS_MAGIC {
        assert!(cold > TABLE_BYTES / 2, "{cold} bytes read from disk");
    }
    assert!(warm < TABLE_BYTES / 10, "{warm} bytes read from disk");
}
