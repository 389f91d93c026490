//! TLS by a pinned certificate: exactly the one whose fingerprint conf has is trusted, whoever signed it and whatever name
//! it has. Knows no HTTP.

use super::WebError;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use std::sync::{Arc, LazyLock};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// A certificate that is not the pinned one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the certificate {shown} is not trusted")]
pub struct NotPinned {
    /// What is trusted, if anything.
    pub trusted: Option<String>,
    /// What the server has.
    pub shown: String,
}

/// TLS that trusts the certificate with this SHA-256 (hexadecimal, small letters); without one none.
pub fn config(pin: Option<&str>) -> Result<ClientConfig, WebError> {
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| WebError::Tls(error.to_string()))?;
    let verifier = Arc::new(Pinned { pin: pin.map(str::to_owned) });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[derive(Debug)]
struct Pinned {
    pin: Option<String>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = hex::encode(Sha256::digest(leaf));
        if self.pin.as_ref() == Some(&shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let error = NotPinned { trusted: self.pin.clone(), shown };
        Err(CertificateError::Other(OtherError(Arc::new(error))).into())
    }

    // That the server has the certificate's key is still to be shown.
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
