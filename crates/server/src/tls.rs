//! TLS: rustls, with a certificate that may be renewed while the server runs.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::watched::{FileError, Watched};

/// The certificate that clients are shown.
#[derive(Debug)]
pub struct Tls {
    config: Watched<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads a chain of certificates and its key, both in PEM. The key is read again with the certificates, so renew it
    /// first.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub fn open(certificates: &Path, key: &Path) -> Result<Self, FileError> {
        let key = key.to_owned();
        let config = move |pem: &[u8]| {
            let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
            let chain = chain.map_err(|error| error.to_string())?;
            let failed = |error: &dyn std::fmt::Display| format!("its key {}: {error}", key.display());
            let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| failed(&error))?;
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.expect("the provider has the ciphers of TLS 1.2 and 1.3").with_no_client_auth();
            builder.with_single_cert(chain, key).map(Arc::new).map_err(|error| failed(&error))
        };
        Ok(Self { config: Watched::open(certificates, config)? })
    }

    /// Reads the certificates again if they have changed. Connections that are open keep theirs.
    ///
    /// # Errors
    /// When they make no sense any more; what was known stays.
    pub fn refresh(&self) -> Result<(), FileError> {
        self.config.refresh()
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&*self.config.get())).accept(stream).await
    }
}
