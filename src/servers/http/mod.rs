//! HTTP: the files of `tftpboot` and generated ones. Ranges and conditions are tower-http's.

mod connections;
mod log;
mod metered;
pub mod ndjson;
mod telling;

pub use connections::{Connections, bounded};

use super::{Context, ServerError, files, meter, meter::Meter, who};
use crate::{
    boot::{self, Served},
    event::{Fact, Refusal, Service},
    net,
};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};
use telling::Tellings;
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_http::services::ServeFile;

/// Bytes of a file that are read at a time. With 64 KiB, which tower-http takes, two thirds as much is sent.
const CHUNK: usize = 256 << 10;

/// Where this host talks to itself.
const LOOPBACK: &str = "lo";

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    let address = SocketAddr::from((context.segment, 80));
    let listener = net::tcp(address, Some(&context.interface.name))
        .map_err(ServerError::bind(format!("TCP port 80 of {}", context.interface.name)))?;
    // What a program on this host asks comes by loopback, whatever interface has the address.
    let local = match context.interface.name.as_str() {
        LOOPBACK => None,
        _ => Some(net::tcp(address, Some(LOOPBACK)).map_err(ServerError::bind("TCP port 80 of lo"))?),
    };
    context.started(Service::Http, format!("TCP {address}"));
    let shutdown = context.shutdown.clone();
    let router = Router::new().fallback(give).with_state((context, Tellings::default()));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let connections = Connections::default();
    let served = |listener: TcpListener| listener.into_std().and_then(axum_server::from_tcp);
    let server = served(listener).map_err(ServerError::io("listening for HTTP"))?;
    let server = bounded(server, &connections).serve(service.clone());
    let here = async {
        match local {
            Some(local) => bounded(served(local)?, &connections).serve(service).await,
            None => std::future::pending().await,
        }
    };
    // Machines that boot are not waited for: their transfers end with the program.
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = server => ended.map_err(ServerError::io("accepting HTTP")),
        ended = here => ended.map_err(ServerError::io("accepting HTTP of this host")),
    }
}

async fn give(
    State((context, tellings)): State<(Context, Tellings)>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let IpAddr::V4(address) = client.ip() else { return StatusCode::FORBIDDEN.into_response() };
    if request.uri().path() == log::PATH {
        return log::answer(&context, address, request.method(), request.uri()).await;
    }
    if (context.is_page)(request.uri().path()) {
        let Ok(response) = context.page.oneshot(request).await;
        return response;
    }
    let Some(segment) = context.segment() else { return StatusCode::NOT_FOUND.into_response() };
    let mut asker = who::asker(&context, &segment, address);
    let asked = decoded(request.uri().path());
    asker.standing.told = who::was_told(&context, &asker, &asked);
    let with_query = match request.uri().query() {
        Some(query) => format!("{asked}?{query}"),
        None => asked.clone(),
    };
    let conf = context.conf.borrow().clone();
    let allowed = match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        ref other => Err(Refusal::NotAllowed { request: other.to_string() }),
    };
    let served = allowed.and_then(|()| boot::serve(&conf, &segment, asker, &with_query));
    let head = request.method() == Method::HEAD;
    let answer = match served {
        Ok(Served::Text { body, content_type, secret: true, .. }) if !head => tellings
            .answer(&context, &asker, &asked, body)
            .map(|(body, length)| unkept(text(body, length, content_type))),
        Ok(Served::Text { body, content_type, chosen, .. }) => {
            if let Some(profile) = chosen.filter(|_| !head) {
                context.bus.publish(meter::event(&context, &asker, Fact::BootChosen { profile }));
            }
            let length = body.len() as u64;
            Ok(text(body.into(), length, content_type))
        }
        Ok(Served::File(name)) => file(&context, &name, request).await,
        Err(refusal) => Err(refusal),
    };
    match answer {
        Ok(response) if response.status().is_success() && !head => {
            let meter = Meter::start(&context, Service::Http, &asker, &asked, length(response.headers()));
            response.map(|body| metered::body(body, meter))
        }
        Ok(response) => response,
        Err(refusal) => {
            let status = status(&refusal);
            let mut response = (status, format!("{refusal}\n")).into_response();
            if status == StatusCode::METHOD_NOT_ALLOWED {
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD")); // RFC 9110, 15.5.6
            }
            meter::refused(&context, Service::Http, &asker, asked.trim_start_matches('/'), refusal);
            response
        }
    }
}

fn text(body: Body, length: u64, content_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

/// What has a secret in it is kept by nobody on its way: neither by a cache, nor by the boot recorder, which knows it by this.
fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn file(context: &Context, name: &str, mut request: Request) -> Result<Response, Refusal> {
    // tower-http knows neither several ranges nor If-Range. A server may give the whole file instead (RFC 9110, 14.2).
    let headers = request.headers_mut();
    let several = headers.get(header::RANGE).is_some_and(|range| range.as_bytes().contains(&b','));
    if several || headers.contains_key(header::IF_RANGE) {
        headers.remove(header::RANGE);
    }
    let (file, _) = files::open_below(&context.tftpboot, name)?;
    // Opened again through its descriptor, so that it is the very file that was found to be inside.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let served = ServeFile::new(path).with_buf_chunk_size(CHUNK).try_call(request).await;
    let mut response = served.map_err(|error| Refusal::Unreadable { error: error.to_string() })?.map(Body::new);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Missing { .. } | Refusal::NotAFile => StatusCode::NOT_FOUND,
        Refusal::Outside
        | Refusal::UnknownMachine
        | Refusal::Unreadable { .. }
        | Refusal::Told { .. }
        | Refusal::Unarmed { .. } => StatusCode::FORBIDDEN,
        Refusal::NotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::Looped => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::NoProfile | Refusal::UnknownProfile { .. } | Refusal::BrokenProfile { .. } => StatusCode::NOT_FOUND,
    }
}

/// The path with its percent codes resolved (RFC 3986, section 2.1); those that are none stay as they are.
pub fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = std::str::from_utf8(tail.get(..2).unwrap_or_default());
        match code.ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn percent_codes() {
        for (path, expected) in [("/a%20b", "/a b"), ("/%2e%2E/x", "/../x"), ("/100%", "/100%"), ("/%zz", "/%zz")] {
            assert_eq!(super::decoded(path), expected);
        }
    }
}
