//! TLS of a client that looks at one server's certificate itself: exactly a pinned one is trusted, or any, whoever signed it
//! and whatever name it has. That the server has the certificate's key is shown in either case.

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use std::sync::{Arc, LazyLock};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// Whose certificate is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everyone's: for who looks at certificates.
    Any,
    /// The one with this SHA-256 (hexadecimal, small letters); without one nobody's.
    Pinned(Option<String>),
}

/// A certificate that is not the pinned one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the certificate {shown} is not trusted")]
pub struct NotPinned {
    /// What is trusted, if anything.
    pub trusted: Option<String>,
    /// What the server has.
    pub shown: String,
}

impl NotPinned {
    /// What is within an error of rustls, if it is of this; [`crate::causes::causes`] has such errors.
    pub fn of<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a NotPinned> {
        match cause.downcast_ref::<Error>()? {
            Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
            _ => None,
        }
    }
}

/// The algorithms of all TLS here.
pub fn provider() -> Arc<CryptoProvider> {
    PROVIDER.clone()
}

/// TLS 1.2 and 1.3 that trusts so. The error of a certificate that is not pinned holds a [`NotPinned`].
pub fn client(trust: Trust) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)).with_no_client_auth())
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Pinned(pin) = self else { return Ok(ServerCertVerified::assertion()) };
        let shown = hex::encode(Sha256::digest(leaf));
        if pin.as_ref() == Some(&shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let error = NotPinned { trusted: pin.clone(), shown };
        Err(CertificateError::Other(OtherError(Arc::new(error))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}
