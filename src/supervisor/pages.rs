//! The page in the browser beside port 80 of the segments: where `conf/page` says. Each place is kept open for itself: one that breaks is
//! told and tried again.

mod certificate;

use super::segments::Shared;
use crate::{
    conf::page::Listen,
    event::{Event, Fact, Service},
    net,
    page::Way,
    servers::http::{Connections, bounded},
};
use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::{self, Next},
};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use certificate::Certificate;
use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
    },
    path::Path,
    time::Duration,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A certificate is looked at so often: what renews it tells nobody.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Serves it until shutdown, as conf changes.
pub async fn keep(shared: Shared) {
    let mut places: BTreeMap<String, CancellationToken> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    let mut conf = shared.conf.clone();
    let connections = Connections::default();
    let mut certificate = Certificate::default();
    loop {
        let page = conf.borrow_and_update().page.clone();
        let wanted: BTreeMap<String, Listen> =
            page.listen.iter().map(|listen| (name(listen), listen.clone())).collect();
        places.retain(|name, token| {
            let stays = wanted.contains_key(name);
            if !stays {
                token.cancel();
            }
            stays
        });
        if wanted.values().any(|listen| matches!(listen, Listen::Tcp { tls: true, .. }))
            && let Err(error) = certificate.renew(&shared, &page)
        {
            tell_failed(&shared, error, "name a certificate and its key in conf/page, both PEM", LOOK_AGAIN);
        }
        for (name, listen) in wanted {
            if places.contains_key(&name) {
                continue;
            }
            let tls = match listen {
                Listen::Tcp { tls: true, .. } => match certificate.config() {
                    Some(config) => Some(config),
                    None => continue,
                },
                _ => None,
            };
            let token = shared.shutdown.child_token();
            tasks.spawn(serve(shared.clone(), listen, tls, connections.clone(), token.clone()));
            places.insert(name, token);
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            _ = conf.changed() => {}
            Some(_) = tasks.join_next() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn name(listen: &Listen) -> String {
    match listen {
        Listen::Tcp { address, tls: false } => format!("TCP {address}"),
        Listen::Tcp { address, tls: true } => format!("TCP {address} with TLS"),
        Listen::Unix(path) => format!("Unix socket {}", path.display()),
    }
}

fn tell_failed(shared: &Shared, error: String, next_step: &str, retry: Duration) {
    let retry = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
    let fact = Fact::ServiceFailed { service: Service::Page, error, next_step: next_step.to_owned(), retry };
    shared.bus.publish(Event::new(None, fact));
}

/// The certificate's fingerprint, where there is one, and what is served with it.
type Tls = Option<(String, RustlsConfig)>;

/// One place, again and again until it is not wanted any more.
async fn serve(shared: Shared, listen: Listen, tls: Tls, connections: Connections, stop: CancellationToken) {
    let mut delay = FIRST_RETRY;
    while !stop.is_cancelled() {
        let ended = once(&shared, &listen, tls.clone(), &connections, &stop).await;
        if stop.is_cancelled() {
            break;
        }
        let error = ended.err().map_or("it ended by itself".to_owned(), |error| error.to_string());
        let next_step =
            "see that nothing else has that place, and that conf/page says listen with an address of this host";
        tell_failed(&shared, format!("cannot serve the page at {}: {error}", name(&listen)), next_step, delay);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(delay) => delay = (delay * 2).min(LAST_RETRY),
        }
    }
}

async fn once(
    shared: &Shared,
    listen: &Listen,
    tls: Tls,
    connections: &Connections,
    stop: &CancellationToken,
) -> io::Result<()> {
    let mut place = name(listen);
    if let Some((fingerprint, _)) = &tls {
        place = format!("{place}, certificate {fingerprint} (SHA-256)");
    }
    let started = || {
        let fact = Fact::ServiceStarted { service: Service::Page, address: place.clone() };
        shared.bus.publish(Event::new(None, fact));
    };
    match listen {
        Listen::Unix(path) => {
            let listener = open(shared, path)?;
            let router = shared.page.clone().layer(axum::Extension(Way::Unix));
            started();
            let handle = Handle::new();
            let server = axum_server::from_unix(listener)?.handle(handle.clone());
            let served = bounded(server, connections).serve(router.into_make_service());
            tokio::select! {
                served = served => served,
                () = stop.cancelled() => {
                    handle.shutdown();
                    let _ = fs::remove_file(path);
                    Ok(())
                }
            }
        }
        Listen::Tcp { address, .. } => {
            let listener = net::tcp(*address, None)?.into_std()?;
            started();
            let handle = Handle::new();
            let server = bounded(axum_server::from_tcp(listener)?.handle(handle.clone()), connections);
            let service = with_way(shared.page.clone(), tls.is_some());
            let service = service.into_make_service_with_connect_info::<SocketAddr>();
            let served = async {
                match tls {
                    None => server.serve(service).await,
                    Some((_, config)) => {
                        let acceptor = |plain| axum_server::tls_rustls::RustlsAcceptor::new(config).acceptor(plain);
                        server.map(acceptor).serve(service).await
                    }
                }
            };
            tokio::select! {
                served = served => served,
                () = stop.cancelled() => {
                    handle.shutdown();
                    Ok(())
                }
            }
        }
    }
}

/// Says of each request how it came.
fn with_way(page: Router, tls: bool) -> Router {
    page.layer(middleware::from_fn(move |mut request: Request, next: Next| async move {
        let client = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(client)| client.ip());
        if let Some(client) = client {
            request.extensions_mut().insert(Way::Tcp { client: client.to_canonical(), tls });
        }
        next.run(request).await
    }))
}

/// A socket that the operator and root can open. What an earlier run left is replaced, and nothing else.
fn open(shared: &Shared, path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.file_type().is_socket() => {}
        Ok(_) => return Err(io::Error::other("there is something that is no socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    let _ = fs::remove_file(new);
    let listener = UnixListener::bind(new)?;
    fs::set_permissions(new, fs::Permissions::from_mode(0o600))?;
    if let Some((user, group)) = shared.desk.operator().owner() {
        std::os::unix::fs::lchown(new, Some(user), Some(group))?;
    }
    fs::rename(new, path)?;
    Ok(listener)
}
