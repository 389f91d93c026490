//! A proxy of the test's own in front of a database, with faults that come and go while it runs. It can listen in a network
//! namespace, so that a program in there reaches a database outside.

use super::{
    SOON, Segment,
    frame::{Body, Head},
    wait_for,
};
use nix::sys::socket::{Shutdown, shutdown, sockopt::Linger};
use std::{
    io::{self, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nobody listens.
    Refuse,
    /// The request is taken, an answer never comes.
    Hang,
    /// The request is passed on so much later.
    Delay(Duration),
    /// The server does what it is asked, but only half of its answer comes, then the connection ends.
    CutReply,
    /// The server does what it is asked, but its answer has wrong bytes.
    CorruptReply,
    /// The server gets half of the request, then both connections end.
    CutRequest,
    /// The server sees nothing; this is the answer, as JSON in CouchDB's form.
    Status(u16),
    /// 413 to requests with more bytes than these.
    TooLarge(usize),
    /// 200, and a page for people, as captive portals give it.
    Html,
}

/// A running proxy.
pub struct Proxy {
    shared: Arc<Shared>,
    listening: Mutex<Option<(TcpListener, thread::JoinHandle<()>)>>,
    address: SocketAddr,
    namespace: Option<PathBuf>,
}

struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
    /// The fault was changed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    /// Only requests whose path has this.
    only: Option<String>,
    /// How often the fault was met since it came.
    met: usize,
    /// Method and path of every request.
    requests: Vec<(String, String)>,
    /// The programs' ends of connections.
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Listens on a free port of loopback, in the segment's namespace where one is given.
    pub fn start(upstream: SocketAddr, segment: Option<&Segment>) -> Proxy {
        let namespace = segment.map(|segment| PathBuf::from(format!("/run/netns/{}", segment.name)));
        let shared = Arc::new(Shared { upstream, state: Mutex::default(), changed: Condvar::new() });
        // A namespace of its own has all ports free; elsewhere it is one that nobody gets while this does not listen.
        let address = SocketAddr::from(([127, 0, 0, 1], super::couch::free_port()));
        let proxy = Proxy { shared, listening: Mutex::new(None), address, namespace };
        proxy.listen();
        proxy
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this goes wrong with every request; open connections end.
    pub fn set(&self, fault: Fault) {
        self.change(Some(fault), None);
    }

    /// From now on this goes wrong with requests whose path has `part`.
    pub fn set_on(&self, part: &str, fault: Fault) {
        self.change(Some(fault), Some(part.to_owned()));
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.change(None, None);
    }

    /// Waits until the fault was met so many times since it was set. Of [`Fault::Refuse`] nobody can know.
    pub fn wait_until_met(&self, times: usize) {
        wait_for("the fault is met", 3 * SOON, || (self.shared.lock().met >= times).then_some(()));
    }

    /// How many requests with this method came whose path, without its query, ends so.
    pub fn count(&self, method: &str, ending: &str) -> usize {
        let state = self.shared.lock();
        let ends = |path: &str| path.split('?').next().is_some_and(|path| path.ends_with(ending));
        state.requests.iter().filter(|(m, path)| m == method && ends(path)).count()
    }

    /// Method and path of every request so far.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.shared.lock().requests.clone()
    }

    fn change(&self, fault: Option<Fault>, only: Option<String>) {
        let mut state = self.shared.lock();
        (state.fault, state.only, state.met) = (fault, only, 0);
        // Otherwise who waits for an answer that will never come would wait on.
        state.open.drain(..).for_each(|stream| drop(stream.shutdown(std::net::Shutdown::Both)));
        drop(state);
        self.shared.changed.notify_all();
        match fault {
            Some(Fault::Refuse) => self.close(),
            _ => self.listen(),
        }
    }

    fn listen(&self) {
        let mut listening = self.listening.lock().unwrap();
        if listening.is_some() {
            return;
        }
        let bind = || wait_for("the proxy's port is free", SOON, || TcpListener::bind(self.address).ok());
        let listener = match &self.namespace {
            Some(namespace) => super::segment::inside_of(namespace, bind),
            None => bind(),
        };
        let (accepting, shared) = (listener.try_clone().unwrap(), self.shared.clone());
        let thread = thread::spawn(move || {
            // Ends when the socket is shut down.
            for stream in accepting.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                shared.lock().open.push(stream.try_clone().unwrap());
                thread::spawn(move || shared.serve(&stream));
            }
        });
        *listening = Some((listener, thread));
    }

    fn close(&self) {
        if let Some((listener, thread)) = self.listening.lock().unwrap().take() {
            // On Linux this ends accept(2) too.
            let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
            let _ = thread.join();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.change(Some(Fault::Refuse), None);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// One connection of a program, until it or the fault ends it.
    fn serve(&self, program: &TcpStream) {
        let mut from = BufReader::new(program);
        while let Ok(Some(head)) = Head::read(&mut from) {
            let fault = self.note(&head);
            let Ok(body) = head.request_body().read(&mut from) else { break };
            if !matches!(self.answer(program, &head, &body, fault), Ok(true)) || head.closes() {
                break;
            }
        }
        let _ = program.shutdown(std::net::Shutdown::Both);
    }

    /// Counts a request, and says what is to go wrong with it.
    fn note(&self, head: &Head) -> Option<Fault> {
        let (method, path) = (head.word(0).to_owned(), head.word(1).to_owned());
        let mut state = self.lock();
        let concerned = state.only.as_ref().is_none_or(|part| path.contains(part));
        state.requests.push((method, path));
        state.fault.filter(|_| concerned)
    }

    fn meet(&self) {
        self.lock().met += 1;
    }

    /// True where the connection goes on.
    fn answer(&self, program: &TcpStream, head: &Head, body: &[u8], fault: Option<Fault>) -> io::Result<bool> {
        match fault {
            None => self.pass(program, head, body, None),
            Some(Fault::TooLarge(most)) if body.len() <= most => self.pass(program, head, body, None),
            Some(fault) => {
                self.meet();
                self.go_wrong(program, head, body, fault)
            }
        }
    }

    fn go_wrong(&self, mut program: &TcpStream, head: &Head, body: &[u8], fault: Fault) -> io::Result<bool> {
        match fault {
            Fault::Refuse => Ok(false),
            Fault::Hang => {
                let state = self.lock();
                drop(self.changed.wait_while(state, |state| state.fault == Some(Fault::Hang)));
                Ok(false)
            }
            Fault::Delay(time) => {
                let (begin, state) = (Instant::now(), self.lock());
                let same = |state: &mut State| state.fault == Some(fault) && begin.elapsed() < time;
                drop(self.changed.wait_timeout_while(state, time, same));
                self.pass(program, head, body, None)
            }
            Fault::CutRequest => {
                let mut server = TcpStream::connect(self.upstream)?;
                server.write_all(&head.bytes)?;
                server.write_all(&body[..body.len() / 2])?;
                Ok(false)
            }
            Fault::CutReply | Fault::CorruptReply => self.pass(program, head, body, Some(fault)),
            Fault::Status(status) => {
                let says = serde_json::json!({ "error": error(status), "reason": "The proxy of a test says so." });
                reply(&mut program, status, "application/json", &says.to_string())
            }
            Fault::TooLarge(_) => {
                let says = serde_json::json!({ "error": error(413), "reason": "the request entity is too large" });
                reply(&mut program, 413, "application/json", &says.to_string())
            }
            Fault::Html => reply(&mut program, 200, "text/html", "<html><body>Please log in</body></html>"),
        }
    }

    /// Passes a request on and its answer back. The server sees a connection for each: what it closes between two
    /// requests, the program would not be told of.
    fn pass(&self, mut program: &TcpStream, head: &Head, body: &[u8], fault: Option<Fault>) -> io::Result<bool> {
        let mut server = TcpStream::connect(self.upstream)?;
        server.write_all(&head.bytes)?;
        server.write_all(body)?;
        let mut from = BufReader::new(&server);
        let Some(answer) = Head::read(&mut from)? else { return Ok(false) };
        program.write_all(&answer.bytes)?;
        let kind = answer.reply_body(head.word(0));
        if let (Some(Fault::CutReply), Body::Length(length)) = (fault, kind) {
            io::copy(&mut from.take(length / 2), &mut program)?;
            return Ok(false);
        }
        kind.copy(&mut from, |bytes| { program }.write_all(bytes), &mut |piece| match fault {
            Some(Fault::CutReply) => {
                { program }.write_all(&piece[..piece.len() / 2])?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Some(Fault::CorruptReply) => {
                piece.iter_mut().step_by(16).for_each(|byte| *byte ^= 0x15);
                { program }.write_all(piece)
            }
            _ => { program }.write_all(piece),
        })?;
        Ok(kind != Body::UntilEnd && !answer.closes())
    }
}

fn error(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        413 => "too_large",
        503 => "service_unavailable",
        _ => "internal_server_error",
    }
}

fn reply(program: &mut impl Write, status: u16, kind: &str, body: &str) -> io::Result<bool> {
    let head =
        format!("HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", error(status), body.len());
    write!(program, "{head}\r\n{body}")?;
    Ok(true)
}
