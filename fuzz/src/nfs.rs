//! What comes to NFS's door and to the port mapper, before nfs-mamont sees it.

use super::is_printable;
use pxelator::servers::nfs::{call::Call, portmap, records::Records};

/// A connection: how many bytes come at once, then the bytes. Cut or whole it has the same records, and the same end.
pub fn nfs_records(data: &[u8]) {
    let Some((&size, stream)) = data.split_first() else { return };
    for calls in [true, false] {
        let whole = count(stream, stream.len().max(1), calls);
        assert_eq!(count(stream, usize::from(size).max(1), calls), whole);
        assert!(whole.0 * 4 <= stream.len());
    }
}

/// The records that began, and what made no sense.
fn count(stream: &[u8], at_once: usize, calls: bool) -> (usize, Option<String>) {
    let (mut records, mut begun) = (Records::new(calls), 0);
    for mut part in stream.chunks(at_once) {
        while !part.is_empty() {
            match records.follow(part) {
                Ok((taken, begins)) => {
                    assert!(taken > 0 && taken <= part.len());
                    begun += usize::from(begins);
                    part = &part[taken..];
                }
                Err(garbage) => return (begun, Some(garbage.to_string())),
            }
        }
    }
    (begun, None)
}

/// One call.
pub fn portmap_call(data: &[u8]) {
    let answer = portmap::answer(data);
    let call = Call::read(data);
    assert_eq!(answer.is_some(), call.is_some());
    if let (Some(answer), Some(call)) = (answer, call) {
        assert_eq!(answer[..4], call.xid.to_be_bytes());
        assert!(answer.len() <= 128 && call.refuse().len() <= 28);
        assert!(call.wanted().is_none_or(|path| is_printable(&path)));
    }
}
