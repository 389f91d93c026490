//! HTTP and HTTPS: the status of an answer, and whether a text is in it. Whose certificate it is, is asked by another check.

use super::{Look, Target, certificate, shown};
use crate::{causes::root, conf::checks::Check};
use reqwest::{Client, redirect::Policy};
use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// What a server gets to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are looked through for a text.
const MOST: usize = 1 << 20;

/// What asks.
#[derive(Clone)]
pub struct Http {
    /// Where names need not be looked up.
    client: Result<Client, String>,
}

impl Http {
    pub fn new() -> Http {
        Http { client: builder().and_then(|builder| builder.build().map_err(|error| error.to_string())) }
    }

    /// Asks once.
    pub async fn get(&self, target: &Target, url: &str, status: Option<u16>, text: Option<&str>) -> Look {
        match tokio::time::timeout(PATIENCE, self.ask(target, url, status, text)).await {
            Ok(Ok(look)) => look,
            Ok(Err(said)) => Look::wrong(said),
            Err(_) => Look::wrong(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }

    async fn ask(&self, target: &Target, url: &str, status: Option<u16>, text: Option<&str>) -> Result<Look, String> {
        let url = whole(target, url)?;
        let began = Instant::now();
        // Names of machines are known here, whatever this host asks for names.
        let own = url.domain().and_then(|name| Some((name.to_owned(), named(target, name)?)));
        let client = match own {
            Some((name, address)) => builder()?.resolve(&name, SocketAddr::new(address, 0)).build().map_err(words)?,
            None => self.client.clone()?,
        };
        let mut answer = client.get(url).send().await.map_err(words)?;
        let took = began.elapsed();
        let got = answer.status().as_u16();
        let fits = status.map_or((200..400).contains(&got), |wanted| wanted == got);
        if !fits {
            let wanted = status.map_or("200 to 399".to_owned(), |status| status.to_string());
            return Ok(Look::wrong(format!("its status is {got}; expected {wanted}")));
        }
        if let Some(text) = text {
            let mut body = Vec::new();
            while let Some(piece) = answer.chunk().await.map_err(words)? {
                body.extend_from_slice(&piece[..piece.len().min(MOST - body.len())]);
                if body.len() >= MOST {
                    break;
                }
            }
            if !has(&body, text.as_bytes()) {
                return Ok(Look::wrong(format!("its status is {got}, but {text:?} is not in its answer")));
            }
        }
        Ok(Look::well(format!("status {got} in {}", shown(took)), Some(took)))
    }
}

fn builder() -> Result<reqwest::ClientBuilder, String> {
    let builder = Client::builder()
        .tls_backend_preconfigured(certificate::config()?)
        .user_agent(concat!("pxelator/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(Policy::none())
        // What is asked is whether a connection can be made, too.
        .pool_max_idle_per_host(0);
    Ok(builder)
}

/// The URL with the machine's address where conf says nothing of a host.
fn whole(target: &Target, url: &str) -> Result<url::Url, String> {
    let address = target.address();
    let text = match url.starts_with('/') || url.starts_with(':') {
        true => format!("http://{address}{url}"),
        false => url.to_owned(),
    };
    let mut whole = url::Url::parse(&text).map_err(|error| format!("{text} is no URL: {error}"))?;
    if whole.host_str() == Some(Check::ITSELF) {
        whole.set_ip_host(address.into()).map_err(|()| format!("{text} has no host"))?;
    }
    Ok(whole)
}

/// The address of a machine of the segment that is called so.
fn named(target: &Target, name: &str) -> Option<IpAddr> {
    let segment = &target.segment;
    let host = name.strip_suffix(segment.domain.as_str()).and_then(|host| host.strip_suffix('.')).unwrap_or(name);
    let machine = segment.machines.values().find(|machine| machine.hostname.eq_ignore_ascii_case(host))?;
    Some(machine.address.into())
}

fn has(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// The last cause is what helps.
fn words(error: reqwest::Error) -> String {
    if error.is_timeout() { format!("no answer: {error}") } else { format!("no answer: {}", root(&error)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conf::{Machine, Segment},
        net::{Interface, Mac},
    };
    use std::{net::Ipv4Addr, sync::Arc};

    #[test]
    fn urls() {
        let mut segment = Segment::new(Ipv4Addr::new(10, 77, 0, 1));
        let machine = Arc::new(Machine::new(Ipv4Addr::new(10, 77, 0, 60), Mac([2, 0, 0, 0, 0, 1]), "web1"));
        segment.machines.insert(machine.address, machine.clone());
        let interface = Interface { name: "br0".into(), index: 1, mac: None, addresses: vec![], up: true };
        let target = Target { segment: Arc::new(segment), interface, machine: Some(machine), reach: None };
        for (url, wanted) in [
            ("/health", "http://10.77.0.60/health"),
            (":8080/x?y=1", "http://10.77.0.60:8080/x?y=1"),
            ("https://itself:8443/", "https://10.77.0.60:8443/"),
            ("https://web1.lan/", "https://web1.lan/"),
        ] {
            assert_eq!(whole(&target, url).unwrap().as_str(), wanted);
        }
        let web1 = Some(IpAddr::from([10, 77, 0, 60]));
        assert_eq!(
            (named(&target, "web1.lan"), named(&target, "WEB1"), named(&target, "www.example.org")),
            (web1, web1, None)
        );
        assert!(has(b"all is well", b"is") && has(b"", b"") && !has(b"al", b"all"));
    }
}
