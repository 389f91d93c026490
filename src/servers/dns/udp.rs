//! DNS over UDP. What makes no sense is told and not answered; the rest goes to the same handler as over TCP.

use crate::servers::Rejects;
use futures_util::StreamExt;
use hickory_proto::op::MessageType;
use hickory_server::{
    net::{
        runtime::TokioTime,
        xfer::{BufDnsStreamHandle, Protocol},
    },
    server::{Request, RequestHandler, ResponseHandle},
};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{net::UdpSocket, task::JoinSet};

/// Questions under way; each may wait for another server. Who asks beyond these asks again.
const UNDER_WAY: usize = 1024;

/// Serves until the socket breaks.
pub async fn serve<H: RequestHandler + Clone>(socket: UdpSocket, handler: H, rejects: Rejects) -> io::Result<()> {
    let socket = Arc::new(socket);
    let mut datagram = vec![0; 65_536];
    let mut answering = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = answering.join_next() => {}
            came = socket.recv_from(&mut datagram) => {
                let (length, from) = came?;
                match question(&datagram[..length], from) {
                    Err(error) => rejects.note(from.ip(), error),
                    Ok(_) if answering.len() >= UNDER_WAY => {
                        rejects.note(from.ip(), format!("more than {UNDER_WAY} questions are being answered"));
                    }
                    Ok(request) => drop(answering.spawn(answer(socket.clone(), handler.clone(), request, from))),
                }
            }
        }
    }
}

async fn answer<H: RequestHandler>(socket: Arc<UdpSocket>, handler: H, request: Request, from: SocketAddr) {
    let (handle, mut answers) = BufDnsStreamHandle::new(from);
    handler.handle_request::<_, TokioTime>(&request, ResponseHandle::new(from, handle, Protocol::Udp)).await;
    while let Some(message) = answers.next().await {
        // A client that is gone asks no more.
        let _ = socket.send_to(message.bytes(), from).await;
    }
}

/// The question of a datagram, or what is wrong with it.
fn question(datagram: &[u8], from: SocketAddr) -> Result<Request, String> {
    let request = Request::from_bytes(datagram.to_vec(), from, Protocol::Udp)
        .map_err(|error| format!("{} bytes that are no question of DNS: {error}", datagram.len()))?;
    match request.metadata.message_type {
        MessageType::Query => Ok(request),
        MessageType::Response => Err("an answer of DNS; expected a question".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_question_is_named() {
        let from = "10.77.0.9:999".parse().unwrap();
        let asked = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04web1\0\0\x01\0\x01";
        assert!(question(asked, from).is_ok());
        let mut answered = asked.to_vec();
        answered[2] = 0x81;
        assert_eq!(question(&answered, from).err().unwrap(), "an answer of DNS; expected a question");
        for bad in [&asked[..5], &asked[..15], &[0xff; 40], b""] {
            let error = question(bad, from).err().unwrap();
            assert!(error.starts_with(&format!("{} bytes that are no question of DNS", bad.len())), "{error}");
        }
    }
}
