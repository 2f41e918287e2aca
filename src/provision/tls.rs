//! Encrypted connections to a server that the user names, verified as libpq does for each `sslmode`.
//!
//! `disable` and `prefer` are what they say; `require` encrypts and verifies nothing; `verify-ca` wants a
//! certificate that an authority of `sslrootcert` has signed, `verify-full` also one for the host's name.
//! Without `sslrootcert` the authorities are those that this system trusts; `sslrootcert=system` means them too,
//! and `verify-full`.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error as TlsError,
    RootCertStore, SignatureScheme, WantsVerifier,
};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How far a server's certificate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    Nothing,
    Authority,
    AuthorityAndName,
}

/// What a URL says of TLS that a `Config` has no place for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) verify: Verify,
    /// `sslrootcert`, if it is a file.
    pub(super) root_cert: Option<String>,
}

/// Encrypts a connection where the server can.
pub type Tls = MakeRustlsConnect;

/// Connectors by the server's address. A process has few of them, and each is used from many places.
static CONNECTORS: RwLock<Vec<(Address, Tls)>> = RwLock::new(Vec::new());

#[derive(Clone, PartialEq)]
struct Address {
    hosts: Vec<Host>,
    ports: Vec<u16>,
}

/// How to connect with this config. All connections are opened, and all queries cancelled, with it.
pub fn tls(config: &Config) -> Tls {
    let address = Address::of(config);
    let connectors = CONNECTORS.read().unwrap_or_else(PoisonError::into_inner);
    let known = connectors.iter().find(|(other, _)| *other == address);
    known.map_or_else(trusting_nobody, |(_, connector)| connector.clone())
}

/// Takes the parts out of a URL that only libpq knows, and says what they want.
pub(super) fn take_from(url: &str) -> (String, Wanted) {
    let mut wanted = Wanted {
        verify: Verify::Nothing,
        root_cert: None,
    };
    let Some((start, query)) = url.rsplit_once('?') else {
        return (url.to_owned(), wanted);
    };
    let mut left = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", "verify-ca")) => wanted.verify = Verify::Authority,
            Some(("sslmode", "verify-full")) => wanted.verify = Verify::AuthorityAndName,
            // With authorities that sign for everyone only the name tells the server from others.
            Some(("sslrootcert", "system")) => wanted.verify = Verify::AuthorityAndName,
            Some(("sslrootcert", path)) => wanted.root_cert = Some(decoded(path)),
            _ => left.push(pair),
        }
    }
    if wanted.verify != Verify::Nothing {
        left.push("sslmode=require");
    }
    (format!("{start}?{}", left.join("&")), wanted)
}

/// From now on connections to the server of `config` are verified in this way; or why they cannot be.
pub(super) fn want(config: &Config, wanted: &Wanted) -> Result<(), String> {
    // As libpq does: who gives an authority to `require` wants it to be asked.
    let verify = match wanted.verify {
        Verify::Nothing
            if wanted.root_cert.is_some() && config.get_ssl_mode() == SslMode::Require =>
        {
            Verify::Authority
        }
        verify => verify,
    };
    let verifier: Arc<dyn ServerCertVerifier> = match verify {
        Verify::Nothing => Arc::new(Unverified),
        Verify::Authority => Arc::new(AnyName(by_authorities(wanted)?)),
        Verify::AuthorityAndName => by_authorities(wanted)?,
    };
    let connector = connector(verifier);
    let address = Address::of(config);
    let mut connectors = CONNECTORS.write().unwrap_or_else(PoisonError::into_inner);
    connectors.retain(|(other, _)| *other != address);
    connectors.push((address, connector));
    Ok(())
}

impl Address {
    fn of(config: &Config) -> Address {
        Address {
            hosts: config.get_hosts().to_vec(),
            ports: config.get_ports().to_vec(),
        }
    }
}

/// A server that nobody has asked for is ours, and none of ours speaks TLS.
fn trusting_nobody() -> Tls {
    let config = client()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    MakeRustlsConnect::new(config)
}

fn connector(verifier: Arc<dyn ServerCertVerifier>) -> Tls {
    let config = client()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    MakeRustlsConnect::new(config)
}

fn client() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn by_authorities(wanted: &Wanted) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    match &wanted.root_cert {
        Some(path) => {
            let unreadable = |e| format!("cannot read certificates from sslrootcert {path}: {e}");
            for cert in CertificateDer::pem_file_iter(Path::new(path)).map_err(unreadable)? {
                let added = roots.add(cert.map_err(unreadable)?);
                added.map_err(|e| format!("sslrootcert {path}: {e}"))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|_| "there is no authority to verify the server with; give sslrootcert".to_owned())
}

/// `%2F` is a slash.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `verify-ca`: a certificate for whichever host.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        // The name is looked at last, so all else is in order when it is what is wrong.
        match self
            .0
            .verify_server_cert(end_entity, intermediates, name, ocsp, now)
        {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// `prefer` and `require`: whoever answers.
#[derive(Debug)]
struct Unverified;

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, left: &str, verify: Verify, root_cert: Option<&str>) {
        let root_cert = root_cert.map(ToOwned::to_owned);
        let wanted = Wanted { verify, root_cert };
        assert_eq!(take_from(url), (left.to_owned(), wanted), "{url}");
    }

    #[test]
    fn what_only_libpq_knows_is_taken_out_of_a_url() {
        let full = Verify::AuthorityAndName;
        check("postgres://h/d", "postgres://h/d", Verify::Nothing, None);
        check(
            "postgres://h/d?sslmode=require&options=-cx%3D1",
            "postgres://h/d?sslmode=require&options=-cx%3D1",
            Verify::Nothing,
            None,
        );
        check(
            "postgres://h/d?connect_timeout=3&sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
            "postgres://h/d?connect_timeout=3&sslmode=require",
            full,
            Some("/etc/ca.pem"),
        );
        check(
            "postgres://h/d?sslmode=verify-ca",
            "postgres://h/d?sslmode=require",
            Verify::Authority,
            None,
        );
        check(
            "postgres://h/d?sslrootcert=system",
            "postgres://h/d?sslmode=require",
            full,
            None,
        );
    }
}
