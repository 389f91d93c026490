//! The port mapper (RFC 1833, section 3): tells clients where NFS and its mount protocol are. Pure.

use super::{
    call::{Call, MOUNT, NFS, PORTMAP},
    xdr::{Reader, words},
};

/// Where NFS and MOUNT are.
pub const PORT: u16 = 2049;
/// Where the port mapper itself is.
pub const OWN_PORT: u16 = 111;
/// The port mapper's one version here; later ones are rpcbind's, whose clients fall back.
const VERSION: u32 = 2;
const TCP: u32 = 6;
const UDP: u32 = 17;

/// Program, version, protocol, port.
const MAPPINGS: [[u32; 4]; 4] = [
    [PORTMAP, VERSION, TCP, OWN_PORT as u32],
    [PORTMAP, VERSION, UDP, OWN_PORT as u32],
    [NFS, 3, TCP, PORT as u32],
    [MOUNT, 3, TCP, PORT as u32],
];

/// The answer to what came to port 111; none where it is no call.
pub fn answer(bytes: &[u8]) -> Option<Vec<u8>> {
    let call = Call::read(bytes)?;
    if call.program != PORTMAP {
        return Some(call.unknown_program());
    }
    if call.version != VERSION {
        return Some(call.unknown_version(VERSION));
    }
    Some(match call.procedure {
        // NULL
        0 => call.answer(&[]),
        // GETPORT
        3 => match port(call.arguments) {
            Some(port) => call.answer(&words(&[port])),
            None => call.garbage(),
        },
        // DUMP
        4 => {
            let listed: Vec<u32> = MAPPINGS.iter().flat_map(|[a, b, c, d]| [1, *a, *b, *c, *d]).chain([0]).collect();
            call.answer(&words(&listed))
        }
        // SET and UNSET: nothing is registered here from outside.
        1 | 2 => call.answer(&words(&[0])),
        _ => call.unknown_procedure(),
    })
}

/// The port of the program asked for; 0 says that it is not here.
fn port(arguments: &[u8]) -> Option<u32> {
    let mut reader = Reader(arguments);
    let (program, version, protocol) = (reader.number()?, reader.number()?, reader.number()?);
    reader.number()?;
    let found = MAPPINGS.iter().find(|[p, v, over, _]| (*p, *v, *over) == (program, version, protocol));
    Some(found.map_or(0, |[.., port]| *port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_where_things_are() {
        let ask = |program: u32, version: u32, procedure: u32, arguments: &[u32]| {
            let mut bytes = words(&[7, 0, 2, program, version, procedure, 0, 0, 0, 0]);
            bytes.extend(words(arguments));
            answer(&bytes).unwrap()
        };
        for (arguments, port) in [
            ([NFS, 3, TCP, 0], 2049),
            ([MOUNT, 3, TCP, 0], 2049),
            ([MOUNT, 3, UDP, 0], 0),
            ([NFS, 4, TCP, 0], 0),
            ([100_021, 4, TCP, 0], 0),
            ([PORTMAP, 2, UDP, 0], 111),
        ] {
            assert_eq!(ask(PORTMAP, 2, 3, &arguments), words(&[7, 1, 0, 0, 0, 0, port]), "{arguments:?}");
        }
        assert_eq!(ask(PORTMAP, 2, 0, &[]), words(&[7, 1, 0, 0, 0, 0]));
        assert_eq!(ask(PORTMAP, 2, 4, &[]).len(), 24 + 4 * 20 + 4);
        assert_eq!(ask(PORTMAP, 2, 3, &[NFS, 3]), words(&[7, 1, 0, 0, 0, 4]));
        assert_eq!(ask(PORTMAP, 2, 1, &[NFS, 3, TCP, 1]), words(&[7, 1, 0, 0, 0, 0, 0]));
        assert_eq!(ask(PORTMAP, 4, 3, &[]), words(&[7, 1, 0, 0, 0, 2, 2, 2]));
        assert_eq!(ask(PORTMAP, 2, 9, &[]), words(&[7, 1, 0, 0, 0, 3]));
        assert_eq!(ask(NFS, 3, 0, &[]), words(&[7, 1, 0, 0, 0, 1]));
        assert_eq!(answer(b"not a call"), None);
    }
}
