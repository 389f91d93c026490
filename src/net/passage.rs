//! Ports of a namespace's loopback that lead to the same ports of the loopback outside: the one way out, for one program
//! of the operator's. Machines on the namespace's bridges cannot take it, since loopback is no address of theirs.

use std::{io, net::Ipv4Addr, thread, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// After an accept(2) that failed.
const AGAIN: Duration = Duration::from_millis(100);

/// Passes connections on until it is dropped.
#[derive(Debug)]
pub struct Passage {
    listeners: mpsc::UnboundedSender<TcpListenerInside>,
}

/// A socket stays in the namespace of the thread that made it.
type TcpListenerInside = std::net::TcpListener;

impl Passage {
    /// Made by a thread outside; what it connects to is there.
    pub fn begin() -> io::Result<Passage> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (listeners, mut queue) = mpsc::unbounded_channel();
        thread::Builder::new().name("passage".to_owned()).spawn(move || {
            runtime.block_on(async move {
                while let Some(listener) = queue.recv().await {
                    if let Ok(listener) = TcpListener::from_std(listener) {
                        tokio::spawn(listen(listener));
                    }
                }
            });
        })?;
        Ok(Passage { listeners })
    }

    /// Opens a port, by a thread inside.
    pub fn open(&self, port: u16) -> io::Result<()> {
        let listener = TcpListenerInside::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        self.listeners.send(listener).map_err(io::Error::other)
    }
}

async fn listen(listener: TcpListener) {
    let Ok(port) = listener.local_addr().map(|address| address.port()) else { return };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(pass(stream, port))),
            // Out of files for a while: others end, and this goes on.
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

async fn pass(mut inside: TcpStream, port: u16) {
    match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        Ok(mut outside) => drop(copy_bidirectional(&mut inside, &mut outside).await),
        Err(error) => {
            // In the form of CouchDB's own errors, which is who is asked for here.
            let reason = format!("outside of the practice segment, 127.0.0.1:{port}: {error}");
            let body = serde_json::json!({ "error": "bad_gateway", "reason": reason }).to_string();
            let head = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nConnection: close\r\n";
            let reply = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            // Closed with something unread, the reply would be lost.
            let _ = inside.read(&mut [0; 65_536]).await;
            let _ = inside.write_all(reply.as_bytes()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_port_without_a_server_says_so() {
        let passage = Passage::begin().unwrap();
        // Inside and outside are one here, so the second address of loopback is where it listens.
        let port = std::net::TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap().port();
        let listener = std::net::TcpListener::bind(("127.0.0.2", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        passage.listeners.send(listener).unwrap();
        let mut stream = std::net::TcpStream::connect(("127.0.0.2", port)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{reply}");
        assert!(reply.contains(&format!("127.0.0.1:{port}: Connection refused")), "{reply}");
    }
}
