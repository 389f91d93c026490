//! One connection of the device: HTTP/1.1, plain or by TLS, with what can be wrong with its answers.

use super::{Fault, Inside, TICK, door::Admission, firmware};
use rcgen::CertifiedKey;
use rustls::{
    ServerConfig, ServerConnection, Stream,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use sha2::{Digest, Sha256};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{Arc, atomic::Ordering::SeqCst},
    thread,
};

/// Bytes of an answer that is too long.
const LONG: usize = 10_000_000;

/// A certificate, and its key.
pub struct Certificate {
    der: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

impl Certificate {
    pub fn new() -> Certificate {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["amt".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key.into()).unwrap();
        Certificate { der: cert.der().clone(), config: Arc::new(config) }
    }

    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(&self.der))
    }
}

/// A request.
pub struct Request {
    pub method: String,
    pub path: String,
    /// The header `Authorization`.
    pub login: Option<String>,
    pub body: String,
}

/// A connection.
pub struct Line<'a> {
    connection: &'a TcpStream,
    inside: &'a Arc<Inside>,
}

impl<'a> Line<'a> {
    pub fn new(connection: &'a TcpStream, inside: &'a Arc<Inside>) -> Line<'a> {
        Line { connection, inside }
    }

    /// Answers until the other side ends, or a fault does.
    pub fn serve(&self) {
        let mut connection = self.connection;
        let _ = match &self.inside.tls {
            None => self.talk(connection),
            Some(certificate) => {
                let config = certificate.lock().unwrap().config.clone();
                let mut tls = ServerConnection::new(config).unwrap();
                self.talk(Stream::new(&mut tls, &mut connection))
            }
        };
        let _ = self.connection.shutdown(std::net::Shutdown::Both);
    }

    fn talk(&self, stream: impl Read + Write) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream)? {
            if self.inside.stopped.load(SeqCst) {
                return Ok(());
            }
            self.inside.count("requests");
            let out = stream.get_mut();
            while self.inside.fault() == Fault::Hangs {
                if self.inside.stopped.load(SeqCst) {
                    return Ok(());
                }
                thread::sleep(TICK);
            }
            if request.method != "POST" || request.path != "/wsman" {
                write!(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
                out.flush()?;
                continue;
            }
            let fault = self.inside.fault();
            let admission = self.inside.firmware.lock().unwrap().door.admit(&request, &fault);
            if let Admission::Denied { challenge } = admission {
                self.inside.count("refused");
                write!(out, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n")?;
                out.flush()?;
                continue;
            }
            let (status, mut body) = firmware::answer(self.inside, &request.body);
            let reason = if status == 200 { "OK" } else { "Bad Request" };
            let kind = "Content-Type: application/soap+xml; charset=UTF-8\r\nServer: Stand-in for AMT firmware";
            match fault {
                Fault::Garbage => body = "<Envelope><Body><nothing</Body>".to_owned(),
                Fault::Long | Fault::LongUnsaid => body = " ".repeat(LONG),
                _ => {}
            }
            if fault == Fault::LongUnsaid {
                write!(out, "HTTP/1.1 {status} {reason}\r\n{kind}\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                for part in body.as_bytes().chunks(65536) {
                    write!(out, "{:x}\r\n", part.len())?;
                    out.write_all(part)?;
                    out.write_all(b"\r\n")?;
                }
                out.write_all(b"0\r\n\r\n")?;
                out.flush()?;
                continue;
            }
            let head = format!("HTTP/1.1 {status} {reason}\r\n{kind}\r\nContent-Length: {}\r\n\r\n", body.len());
            // In one piece, as a message of its size goes out.
            let mut whole = head.into_bytes();
            whole.extend(body.as_bytes());
            if fault == Fault::Closes {
                out.write_all(&whole[..whole.len() - body.len() / 2])?;
                return out.flush();
            }
            out.write_all(&whole)?;
            out.flush()?;
        }
        Ok(())
    }
}

/// Reads a request; none at the end of the connection.
fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    // TLS where none is spoken: the firmware hangs up.
    if stream.fill_buf()?.first().is_some_and(|first| !first.is_ascii_uppercase()) {
        return Ok(None);
    }
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut login, mut length) = (None, 0);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => login = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().unwrap_or_default(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Request { method, path, login, body }))
}
