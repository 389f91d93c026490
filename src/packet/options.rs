//! The options of a DHCP message as bytes (RFC 2132). Shared by who answers messages and who shows them.

/// Options begin here: after the header and the magic cookie (RFC 2131, section 2).
const BEGIN: usize = 240;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Codes and values in their order, those of one code joined (RFC 3396).
    pub found: Vec<(u8, Vec<u8>)>,
    /// The option that is longer than the packet, and where it begins.
    pub cut: Option<(u8, usize)>,
}

impl Options {
    /// The value of an option.
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        self.found.iter().find(|(c, _)| *c == code).map(|(_, bytes)| bytes.as_slice())
    }
}

/// The options of a whole message. Not dhcproto's decoder: it drops what follows an option that is cut off, and reads
/// beyond options 81 and 94 where their length is not the usual one.
pub fn options(message: &[u8]) -> Options {
    let mut options = Options::default();
    let mut at = BEGIN;
    while let Some(&code) = message.get(at) {
        match code {
            0 => at += 1,
            255 => break,
            code => {
                let length = message.get(at + 1).map(|length| usize::from(*length));
                let Some((length, bytes)) = length.and_then(|l| Some((l, message.get(at + 2..at + 2 + l)?))) else {
                    options.cut = Some((code, at));
                    break;
                };
                match options.found.iter_mut().find(|(c, _)| *c == code) {
                    Some((_, joined)) => joined.extend_from_slice(bytes),
                    None => options.found.push((code, bytes.to_vec())),
                }
                at += 2 + length;
            }
        }
    }
    options
}
