//! TFTP: the files of `tftpboot` and generated ones, for reading. The protocol is async-tftp's (RFC 1350, 2347-2349, 7440).

mod reader;
mod request;

pub use request::check;

use super::{Context, Rejects, ServerError, files, meter, meter::Meter, who};
use crate::{
    boot::{self, Served},
    event::{Refusal, Service},
    net,
};
use async_tftp::{
    packet,
    server::{Handler, TftpServerBuilder},
};
use reader::{Reader, Source};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

/// What a client gets to acknowledge before it is sent again.
const TIMEOUT: Duration = Duration::from_secs(1);
const RETRIES: u32 = 6;
/// Bytes of a block that fit an Ethernet frame; larger ones would be fragmented.
const LARGEST_BLOCK: u16 = 1468;
/// Blocks under way; with the block's size this bounds what one client can make the server hold.
const WIDEST_WINDOW: u16 = 64;

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    let address = SocketAddr::from((context.segment, 69));
    let bind = || ServerError::bind(format!("UDP port 69 of {}", context.interface.name));
    let socket = net::udp(address, Some(&context.interface.name)).and_then(tokio::net::UdpSocket::into_std);
    let server = TftpServerBuilder::with_handler(Files { context: context.clone() })
        .std_socket(socket.map_err(bind())?)
        .map_err(|error| bind()(std::io::Error::other(error)))?
        .timeout(TIMEOUT)
        .max_send_retries(RETRIES)
        .block_size_limit(LARGEST_BLOCK)
        .window_size_limit(WIDEST_WINDOW)
        .build()
        .await
        .map_err(|error| bind()(std::io::Error::other(error)))?;
    // The library passes over requests that make no sense without a word.
    let overheard = net::Overheard::open(&context.interface, context.segment, 69).map_err(bind())?;
    context.started(Service::Tftp, format!("UDP {address}"));
    tokio::select! {
        () = context.shutdown.cancelled() => Ok(()),
        ended = server.serve() => {
            ended.map_err(|error| ServerError::io("serving TFTP")(std::io::Error::other(error)))
        }
        ended = listen(overheard, Rejects::new(&context, Service::Tftp)) => {
            ended.map_err(ServerError::io("listening for TFTP requests"))
        }
    }
}

/// Tells of requests that make no sense.
async fn listen(mut overheard: net::Overheard, rejects: Rejects) -> std::io::Result<()> {
    loop {
        let (source, packet) = overheard.next().await?;
        let checked = packet.as_deref().map_or(Err("a request larger than a packet".to_owned()), check);
        if let Err(error) = checked {
            rejects.note(source.into(), error);
        }
    }
}

struct Files {
    context: Context,
}

impl Handler for Files {
    type Reader = Reader;
    type Writer = futures_util::io::Sink;

    async fn read_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
    ) -> Result<(Reader, Option<u64>), packet::Error> {
        let path = path.to_string_lossy().into_owned();
        let Some(segment) = self.context.segment() else { return Err(packet::Error::PermissionDenied) };
        let asker = who::asker(&self.context, &segment, v4(client));
        let conf = self.context.conf.borrow().clone();
        let opened = boot::serve(&conf, &segment, asker, &path).and_then(|served| match served {
            // Who asks is not known by more than its address, and nothing tells whether it has the last block.
            Served::Text { secret: true, .. } => {
                Err(Refusal::NotAllowed { request: "a secret over TFTP (fetch it over HTTP)".to_owned() })
            }
            Served::Text { body, .. } => {
                let size = body.len() as u64;
                Ok((Source::Text(body.into_bytes().into()), size))
            }
            Served::File(name) => {
                files::open_below(&self.context.tftpboot, &name).map(|(file, size)| (Source::File(file), size))
            }
        });
        match opened {
            Ok((source, size)) => {
                let meter = Meter::start(&self.context, Service::Tftp, &asker, &path, Some(size));
                Ok((Reader::new(source, meter, size), Some(size)))
            }
            Err(refusal) => {
                let answer = packet_error(&refusal);
                meter::refused(&self.context, Service::Tftp, &asker, path.trim_start_matches('/'), refusal);
                Err(answer)
            }
        }
    }

    async fn write_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
        _size: Option<u64>,
    ) -> Result<Self::Writer, packet::Error> {
        if let Some(segment) = self.context.segment() {
            let asker = who::asker(&self.context, &segment, v4(client));
            let refusal = Refusal::NotAllowed { request: "writing".to_owned() };
            meter::refused(&self.context, Service::Tftp, &asker, &path.to_string_lossy(), refusal);
        }
        Err(packet::Error::IllegalOperation)
    }
}

fn v4(client: &SocketAddr) -> Ipv4Addr {
    match client.ip() {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

fn packet_error(refusal: &Refusal) -> packet::Error {
    match refusal {
        Refusal::Missing { .. } => packet::Error::FileNotFound,
        Refusal::Outside | Refusal::UnknownMachine => packet::Error::PermissionDenied,
        // Firmware shows this text, so it is the sentence that the console shows.
        other => packet::Error::Msg(other.to_string()),
    }
}
