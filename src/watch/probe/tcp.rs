//! TCP: that a connection comes about, and what an ssh server says first (RFC 4253, section 4.2).

use super::{Look, shown};
use crate::event::printable;
use std::{
    io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

/// What a machine of the same segment gets to take a connection, and to say something on it.
const PATIENCE: Duration = Duration::from_secs(3);
/// Lines before the banner and the banner itself: each may have 255 bytes, and a server may say some before it.
const LONGEST: usize = 4096;
/// Characters of a banner that are told.
const BANNER: usize = 80;

/// Opens a connection.
pub async fn port(address: Ipv4Addr, port: u16) -> Look {
    let began = Instant::now();
    match connect(address, port).await {
        Ok(_) => Look::well(format!("port {port} is open"), Some(began.elapsed())),
        Err(said) => Look::wrong(said),
    }
}

/// Opens a connection and reads the banner.
pub async fn banner(address: Ipv4Addr, port: u16) -> Look {
    let began = Instant::now();
    let mut stream = match connect(address, port).await {
        Ok(stream) => stream,
        Err(said) => return Look::wrong(said),
    };
    match timeout(PATIENCE, read_banner(&mut stream)).await {
        Ok(Ok(banner)) => Look::well(banner, Some(began.elapsed())),
        Ok(Err(said)) => Look::wrong(said),
        Err(_) => Look::wrong(format!("port {port} is open, but nobody says who he is within 3 s")),
    }
}

/// The connection, or why there is none, in words.
pub async fn connect(address: Ipv4Addr, port: u16) -> Result<TcpStream, String> {
    match timeout(PATIENCE, TcpStream::connect((address, port))).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("nobody listens at port {port}"),
            io::ErrorKind::HostUnreachable => "nobody has its address on this segment".to_owned(),
            _ => format!("no connection to port {port}: {error}"),
        }),
        Err(_) => Err(format!("no connection to port {port} within {}", shown(PATIENCE))),
    }
}

async fn read_banner(stream: &mut TcpStream) -> Result<String, String> {
    let mut said = Vec::new();
    let mut piece = [0; 512];
    loop {
        match banner_of(&said) {
            Some(banner) => return Ok(banner),
            None if said.len() >= LONGEST => return Err("it is no ssh server: it says something else".to_owned()),
            None => {}
        }
        match stream.read(&mut piece).await {
            Ok(0) => return Err("it closes the connection without a banner".to_owned()),
            Ok(read) => said.extend_from_slice(&piece[..read]),
            Err(error) => return Err(format!("it says no banner: {error}")),
        }
    }
}

/// The banner among the lines that were said so far, made printable.
fn banner_of(said: &[u8]) -> Option<String> {
    let whole = said.iter().rposition(|byte| *byte == b'\n')?;
    let line = said[..whole].split(|byte| *byte == b'\n').find(|line| line.starts_with(b"SSH-"))?;
    Some(printable(String::from_utf8_lossy(line).trim_end(), BANNER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banners() {
        for (said, banner) in [
            (&b"SSH-2.0-OpenSSH_10.0\r\n"[..], Some("SSH-2.0-OpenSSH_10.0")),
            (b"Welcome\r\nSSH-2.0-x\r\nmore", Some("SSH-2.0-x")),
            (b"SSH-2.0-Open", None),
            (b"220 mail ready\r\n", None),
            (b"", None),
        ] {
            assert_eq!(banner_of(said).as_deref(), banner);
        }
    }
}
