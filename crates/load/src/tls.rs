//! TLS to a target: rustls, with the certificates that the system trusts, or one that somebody names.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whom to believe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// A file of certificates in PEM, in the place of those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

impl Trust {
    /// The same for another library.
    ///
    /// # Errors
    /// When there is nobody to trust.
    pub fn client_config(&self) -> Result<ClientConfig, TlsError> {
        config(self)
    }
}

/// Why nobody can be believed.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates could not be read.
    #[error("reading certificates from {from}: {reason}")]
    Certificates {
        /// Where from.
        from: String,
        /// What is wrong.
        reason: String,
    },
    /// No certificate can be for such a host.
    #[error("`{0}` is not a name that a certificate can be for")]
    Name(String),
}

/// How to speak TLS with one host.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.name).finish()
    }
}

impl Tls {
    pub(crate) fn new(trust: &Trust, host: &str) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        Ok(Self { config: Arc::new(config(trust)?), name })
    }

    pub(crate) fn config(&self) -> ClientConfig {
        self.config.as_ref().clone()
    }

    pub(crate) async fn wrap(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await
    }
}

fn config(trust: &Trust) -> Result<ClientConfig, TlsError> {
    Ok(believing(roots(trust)?))
}

/// What believes nobody: for a library that must be told whom to believe even where no TLS is spoken.
pub fn unbelieving() -> ClientConfig {
    believing(RootCertStore::empty())
}

fn believing(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has the ciphers of TLS 1.2 and 1.3");
    builder.with_root_certificates(roots).with_no_client_auth()
}

fn roots(trust: &Trust) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (from, certificates) = match &trust.ca_file {
        Some(file) => {
            let from = file.display().to_string();
            let failed =
                |reason: &dyn fmt::Display| TlsError::Certificates { from: from.clone(), reason: reason.to_string() };
            let read = CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))?;
            let certificates = read.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
            (from, certificates)
        }
        None => ("the system".to_owned(), rustls_native_certs::load_native_certs().certs),
    };
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(TlsError::Certificates { from, reason: "there are none".to_owned() });
    }
    Ok(roots)
}
