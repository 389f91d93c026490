//! Who has no root here is told so in its own protocol, a few calls long, and then no more.

use super::call::Call;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long a stranger is heard, how many calls, and of how many bytes.
const PATIENCE: Duration = Duration::from_secs(5);
const CALLS: usize = 4;
const LONGEST: usize = 2048;

/// What a stranger wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The path that it asked to mount.
    pub path: Option<String>,
    /// What it sent that is no call.
    pub garbage: Option<String>,
}

/// Hears a stranger out.
pub async fn refuse(stream: &mut TcpStream) -> Wanted {
    timeout(PATIENCE, hear(stream)).await.unwrap_or_default()
}

async fn hear(stream: &mut TcpStream) -> Wanted {
    let mut wanted = Wanted::default();
    for _ in 0..CALLS {
        let Ok(head) = stream.read_u32().await else { break };
        let length = (head & 0x7fff_ffff) as usize;
        if head >> 31 == 0 || length > LONGEST {
            wanted.garbage = Some(format!("a record of {head:#x} is no call that a stranger may make"));
            break;
        }
        let mut bytes = vec![0; length];
        if stream.read_exact(&mut bytes).await.is_err() {
            break;
        }
        let Some(call) = Call::read(&bytes) else {
            wanted.garbage = Some("a record is no remote call of version 2".to_owned());
            break;
        };
        let answer = call.refuse();
        let mut record = (0x8000_0000 | u32::try_from(answer.len()).unwrap_or(0)).to_be_bytes().to_vec();
        record.extend(answer);
        let path = call.wanted();
        let ends = path.is_some();
        wanted.path = path.or(wanted.path);
        if stream.write_all(&record).await.is_err() || ends {
            break;
        }
    }
    wanted
}
