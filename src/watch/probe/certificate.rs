//! TLS: how long the certificate that a server shows is good for. Whoever signed it, whatever name it has: that is for who uses it.

use super::Look;
use crate::net::{Trust, tls_client};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a server gets to come to an agreement.
const PATIENCE: Duration = Duration::from_secs(5);
const DAY: i64 = 86_400;

/// TLS that takes every certificate.
pub fn config() -> Result<ClientConfig, String> {
    tls_client(Trust::Any).map_err(|error| error.to_string())
}

/// The same, for a connection.
pub fn connector() -> Result<TlsConnector, String> {
    config().map(|config| TlsConnector::from(Arc::new(config)))
}

/// Connects once; the first of `names` is the one that is asked for.
pub async fn look(
    tls: &Result<TlsConnector, String>,
    (address, port): (Ipv4Addr, u16),
    names: &[String],
    days: u32,
) -> Look {
    let tls = match tls {
        Ok(tls) => tls,
        Err(error) => return Look::wrong(format!("there is no TLS here: {error}")),
    };
    let began = Instant::now();
    let stream = match super::tcp::connect(address, port).await {
        Ok(stream) => stream,
        Err(said) => return Look::wrong(said),
    };
    let name = names.iter().find_map(|name| ServerName::try_from(name.clone()).ok());
    let name = name.unwrap_or_else(|| std::net::IpAddr::from(address).into());
    match timeout(PATIENCE, tls.connect(name, stream)).await {
        Err(_) => Look::wrong(format!("no agreement on TLS within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) => Look::wrong(format!("no agreement on TLS: {error}")),
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            match shown.map(|certificate| ends(certificate)) {
                Some(Ok(end)) => judge(end, jiff::Timestamp::now().as_second(), days, began.elapsed()),
                Some(Err(error)) => Look::wrong(format!("its certificate makes no sense: {error}")),
                None => Look::wrong("it shows no certificate"),
            }
        }
    }
}

/// The second after which it is good no longer.
fn ends(certificate: &[u8]) -> Result<i64, String> {
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    Ok(certificate.validity().not_after.timestamp())
}

fn judge(end: i64, now: i64, days: u32, took: Duration) -> Look {
    let left = (end - now).div_euclid(DAY);
    if end <= now {
        return Look::wrong(format!("its certificate is over since {} days", (now - end) / DAY));
    }
    let said = format!("its certificate is good for {left} days more");
    if left < i64::from(days) {
        return Look::wrong(format!("{said}; expected {days} at least"));
    }
    Look::well(said, Some(took))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_left() {
        let made = rcgen::generate_simple_self_signed(vec!["web1.lan".to_owned()]).unwrap();
        // What rcgen makes is good until 4096.
        assert!(ends(made.cert.der()).unwrap() > 60_000_000_000);
        assert!(ends(b"no certificate").is_err());
        for (left, well, said) in [
            (15 * DAY, true, "good for 15 days"),
            (14 * DAY, true, "good for 14 days"),
            (14 * DAY - 1, false, "good for 13 days more; expected 14"),
            (1, false, "good for 0 days more; expected 14"),
            (0, false, "over since 0 days"),
            (-3 * DAY, false, "over since 3 days"),
        ] {
            let look = judge(1_000_000 + left, 1_000_000, 14, Duration::ZERO);
            assert!(look.well == well && look.said.contains(said), "{left}: {look:?}");
        }
    }
}
