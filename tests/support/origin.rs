//! A web server that files are fetched from, on loopback, as good or as bad as a test wants it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// From the first slash on.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    /// The first byte that `Range` asks for.
    pub fn from(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// `200 OK`.
    pub status: String,
    /// Without `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Bytes of the body that are sent at most; the connection ends then.
    pub cut: Option<usize>,
    /// After those bytes nothing comes, and the connection stays.
    pub stall: bool,
    /// The body comes slowly from this byte on, until [`Origin::go_on`].
    pub slow: Option<usize>,
    /// The body's size is not said beforehand.
    pub unsized_body: bool,
}

impl Answer {
    /// A whole file.
    pub fn whole(body: &[u8]) -> Answer {
        Answer { status: "200 OK".into(), body: body.to_vec(), ..Answer::default() }
    }

    /// A refusal.
    pub fn status(status: &str) -> Answer {
        Answer { status: status.into(), ..Answer::default() }
    }

    /// With a further header.
    pub fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Ends early.
    pub fn cut(mut self, bytes: usize) -> Answer {
        self.cut = Some(bytes);
        self
    }

    /// Says nothing after some bytes.
    pub fn stall(mut self, bytes: usize) -> Answer {
        (self.cut, self.stall) = (Some(bytes), true);
        self
    }

    /// Slowly from this byte on.
    pub fn slow(mut self, bytes: usize) -> Answer {
        self.slow = Some(bytes);
        self
    }

    /// What a good server gives: the part that is asked for, if `If-Range` names this version.
    pub fn good(asked: &Asked, body: &[u8], tag: &str) -> Answer {
        let tag = format!("\"{tag}\"");
        let same = asked.headers.get("if-range").is_none_or(|named| *named == tag);
        let answer = match asked.from().filter(|_| same) {
            Some(from) if from >= body.len() => {
                Answer::status("416 Range Not Satisfiable").with("Content-Range", &format!("bytes */{}", body.len()))
            }
            Some(from) => {
                Answer { status: "206 Partial Content".into(), body: body[from..].to_vec(), ..Answer::default() }
                    .with("Content-Range", &format!("bytes {from}-{}/{}", body.len() - 1, body.len()))
            }
            None => Answer::whole(body),
        };
        answer.with("ETag", &tag).with("Accept-Ranges", "bytes")
    }
}

type Answers = dyn Fn(&Asked, usize) -> Answer + Send + Sync;

/// The server.
pub struct Origin {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
    hurries: Arc<AtomicBool>,
}

impl Origin {
    /// Answers each request by `answers`, which is told how many there were before.
    pub fn new(answers: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Origin {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            over: Arc::default(),
            hurries: Arc::default(),
        };
        let (asked, over, hurries) = (origin.asked.clone(), origin.over.clone(), origin.hurries.clone());
        let answers: Arc<Answers> = Arc::new(answers);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Relaxed) {
                    return;
                }
                let (asked, over, hurries, answers) = (asked.clone(), over.clone(), hurries.clone(), answers.clone());
                thread::spawn(move || talk(&stream, &asked, (&*over, &*hurries), &*answers));
            }
        });
        origin
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// What is slow is so no longer.
    pub fn go_on(&self) {
        self.hurries.store(true, Relaxed);
    }

    /// All that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// One request a connection.
fn talk(
    mut stream: &TcpStream,
    all: &Mutex<Vec<Asked>>,
    (over, hurries): (&AtomicBool, &AtomicBool),
    answers: &Answers,
) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(path) = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)) else { return };
    let headers = lines.take_while(|line| !line.is_empty());
    let header = |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let asked = Asked { path, headers: headers.filter_map(header).collect() };
    let before = {
        let mut all = all.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let answer = answers(&asked, before);
    let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", answer.status);
    if !answer.unsized_body {
        head += &format!("Content-Length: {}\r\n", answer.body.len());
    }
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let sent = &answer.body[..answer.cut.unwrap_or(usize::MAX).min(answer.body.len())];
    let (fast, rest) = sent.split_at(answer.slow.unwrap_or(sent.len()).min(sent.len()));
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(fast));
    for piece in rest.chunks(1_000) {
        if !hurries.load(Relaxed) && !over.load(Relaxed) {
            thread::sleep(Duration::from_millis(300));
        }
        let _ = stream.write_all(piece);
    }
    while answer.stall && !over.load(Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
    let _ = stream.shutdown(Shutdown::Both);
}
