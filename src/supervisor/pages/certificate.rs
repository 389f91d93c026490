//! The page's certificate: conf's own, read again when it was renewed, or one that is made once in the run folder.

use crate::{conf::page::Page, net::tls_provider, supervisor::segments::Shared};
use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What is served with, as it is now.
#[derive(Default)]
pub struct Certificate {
    /// The text of both files, and what came of it.
    now: Option<(Vec<u8>, String, RustlsConfig)>,
}

impl Certificate {
    /// The fingerprint (SHA-256 in hexadecimal) of the first certificate, and what is served with.
    pub fn config(&self) -> Option<(String, RustlsConfig)> {
        self.now.as_ref().map(|(_, fingerprint, config)| (fingerprint.clone(), config.clone()))
    }

    /// Reads it again. Who has a connection keeps it.
    pub fn renew(&mut self, shared: &Shared, page: &Page) -> Result<(), String> {
        let (certificate, key) = match &page.certificate {
            Some(files) => files.clone(),
            None => self_made(shared, page)?,
        };
        let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let (chain, secret) = (read(&certificate)?, read(&key)?);
        let text = [&chain[..], b"\n", &secret[..]].concat();
        if self.now.as_ref().is_some_and(|(known, ..)| *known == text) {
            return Ok(());
        }
        let (fingerprint, config) = server(&chain, &secret)
            .map_err(|error| format!("{} with {}: {error}", certificate.display(), key.display()))?;
        let served = match &self.now {
            Some((_, _, served)) => {
                served.reload_from_config(config);
                served.clone()
            }
            None => RustlsConfig::from_config(config),
        };
        self.now = Some((text, fingerprint, served));
        Ok(())
    }
}

fn server(chain: &[u8], key: &[u8]) -> Result<(String, Arc<ServerConfig>), String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let first = chain.first().ok_or("there is no certificate in it")?;
    let fingerprint = hex::encode(Sha256::digest(first));
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("no key: {error}"))?;
    let builder = ServerConfig::builder_with_provider(tls_provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((fingerprint, Arc::new(config)))
}

/// Made once, so that who trusts its fingerprint can go on; for all names and addresses by which it may be asked.
fn self_made(shared: &Shared, page: &Page) -> Result<(PathBuf, PathBuf), String> {
    let folder = &shared.options.run;
    let (certificate, key) = (folder.join("page.pem"), folder.join("page.key"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    let conf = shared.conf.borrow().clone();
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()));
    names.extend(page.names.iter().cloned());
    for segment in conf.segments.values() {
        names.push(segment.server.to_string());
        names.push(format!("pxelator.{}", segment.domain));
    }
    names.sort();
    names.dedup();
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| format!("making a certificate: {error}"))?;
    let write = |path: &Path, text: &str, mode| {
        let new = path.with_extension("new");
        let _ = fs::remove_file(&new);
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&new, path))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    write(&key, &made.signing_key.serialize_pem(), 0o600)?;
    write(&certificate, &made.cert.pem(), 0o644)?;
    Ok((certificate, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_with() {
        let made = rcgen::generate_simple_self_signed(["10.77.0.1".to_owned(), "a.lan".to_owned()]).unwrap();
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let (fingerprint, config) = server(pem.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(fingerprint, hex::encode(Sha256::digest(made.cert.der())));
        assert_eq!(config.alpn_protocols.len(), 2);
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for (pem, key, told) in [("", &*key, "no certificate"), (&*pem, "", "no key"), (&*pem, &*other, "")] {
            let error = server(pem.as_bytes(), key.as_bytes()).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
