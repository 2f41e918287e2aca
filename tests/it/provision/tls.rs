//! Encrypted connections to a named server, verified as each `sslmode` says.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use pgrehearse::provision::{Role, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::scene::{Named, Scene, failure, seeded, value};

/// The URL of a server that is to be encrypted and verified, for as long as the first value lives.
pub(crate) async fn verified_url() -> (impl Sized, String) {
    let (named, authority, dir) = encrypted().await;
    let parameters = format!("?sslmode=verify-full&sslrootcert={}", authority.display());
    let url = named
        .spec_at(&Scene::new(), "localhost", &parameters)
        .url
        .unwrap();
    ((named, dir), url)
}

/// A server with a certificate for `localhost`, and the file of the authority that has signed it.
async fn encrypted() -> (Named, PathBuf, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("ca.pem"), authority.pem()).unwrap();
    std::fs::write(path("cert.pem"), leaf.pem()).unwrap();
    std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    std::fs::set_permissions(path("key.pem"), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let settings = |scene: &Scene| {
        // The key has to belong to the user that the server runs as.
        let template = &scene.files("local")[0];
        let data = scene.cache().join("local").join(template).join("data");
        let owner = data.metadata().unwrap();
        chown(path("key.pem"), Some(owner.uid()), Some(owner.gid())).unwrap();
        let of = |name: &str| path(name).to_str().unwrap().to_owned();
        Settings::from([
            ("ssl".into(), "on".into()),
            ("ssl_cert_file".into(), of("cert.pem")),
            ("ssl_key_file".into(), of("key.pem")),
        ])
    };
    let named = Named::start_with(settings).await;
    named.mark().await;
    (named, path("ca.pem"), dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_verified_as_far_as_sslmode_says() {
    let (named, authority, _dir) = encrypted().await;
    let ca = format!("&sslrootcert={}", authority.display());
    let encrypted = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for (host, parameters, is_encrypted) in [
        ("localhost", "?sslmode=disable".to_owned(), "false"),
        ("127.0.0.1", String::new(), "true"),
        ("127.0.0.1", "?sslmode=require".to_owned(), "true"),
        ("127.0.0.1", format!("?sslmode=verify-ca{ca}"), "true"),
        ("localhost", format!("?sslmode=verify-full{ca}"), "true"),
    ] {
        let scene = Scene::new();
        let host = scene.open(&named.spec_at(&scene, host, &parameters)).await;
        let clone = host
            .start_clone(&seeded(&host).await, &Settings::new())
            .await;
        let clone = clone.unwrap();
        for role in [Role::Admin, Role::Migration, Role::Load] {
            assert_eq!(
                value(&clone, role, encrypted).await,
                is_encrypted,
                "{parameters}"
            );
        }
        drop(clone);
        pgrehearse::provision::clean(
            &named.spec_at(&scene, "localhost", &parameters),
            &scene.talk(),
        )
        .await
        .unwrap();
    }
    for (host, parameters, why) in [
        (
            "127.0.0.1",
            format!("?sslmode=verify-full{ca}"),
            "not valid for name",
        ),
        (
            "localhost",
            "?sslmode=verify-full".to_owned(),
            "UnknownIssuer",
        ),
        (
            "localhost",
            "?sslmode=verify-ca".to_owned(),
            "UnknownIssuer",
        ),
    ] {
        let scene = Scene::new();
        let error = failure(&named.spec_at(&scene, host, &parameters)).await;
        assert!(error.to_string().contains(why), "{parameters}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let named = Named::start().await;
    let scene = Scene::new();
    let error = failure(&named.spec_at(&scene, "127.0.0.1", "?sslmode=require")).await;
    assert!(
        error.to_string().contains("server does not support TLS"),
        "{error}"
    );
}
