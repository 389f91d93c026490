//! Files of packets with comments (pcapng, draft-ietf-opsawg-pcapng): written in whole blocks, read with errors that say
//! where. Knows no socket, and of files only their bytes.

use super::Frame;
use bytes::Bytes;
use jiff::Timestamp;
use pcap_file::{
    DataLink, Endianness, PcapError,
    pcapng::{
        Block, PcapNgParser, PcapNgWriter,
        blocks::{
            enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption},
            interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption},
            interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption},
            section_header::{SectionHeaderBlock, SectionHeaderOption},
        },
    },
};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    time::Duration,
};

/// Bytes of a file that is read; recordings are far smaller.
pub const LARGEST: u64 = 64 << 20;
/// Bytes of one block: a packet with its comments has less.
const BLOCK: usize = 16 << 20;
/// Bytes of one comment; an option has at most 65,535.
const COMMENT: usize = 4_096;
/// A packet is at most this long on the wire, offloads included; the length says how much of it is kept.
const SNAPLEN: u32 = 262_144;
/// Times are in 10^-9 s.
const NANOSECONDS: u8 = 9;
/// The first bytes of a section header, the same in both byte orders.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PcapngError {
    /// It cannot be opened or read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// The system's answer.
        source: io::Error,
    },
    /// It is larger than anything that is recorded here.
    #[error("{file} has {size} bytes, and at most {LARGEST} are read; Wireshark opens larger ones")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        size: u64,
    },
    /// It is no pcapng file, or is damaged.
    #[error("{file}, {fault}")]
    Broken {
        /// The file.
        file: String,
        /// What and where.
        fault: Fault,
    },
}

/// Bytes that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: expected {expected}")]
pub struct Fault {
    /// Where the block begins.
    pub at: usize,
    /// What should be there.
    pub expected: String,
}

/// All that is read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// What its sections say of themselves.
    pub about: Vec<String>,
    /// The packets in the order of the file.
    pub frames: Vec<Frame>,
    /// What is said at the end of each section.
    pub notes: Vec<Vec<String>>,
    /// Bytes up to the end of the last whole block: less than the file has where its writer was stopped in the middle.
    pub whole: usize,
}

/// The packets of a file.
pub fn read(path: &Path) -> Result<Vec<Frame>, PcapngError> {
    open(path).map(|contents| contents.frames)
}

/// All of a file.
pub fn open(path: &Path) -> Result<Contents, PcapngError> {
    let name = || path.display().to_string();
    let failed = |source| PcapngError::Io { file: name(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let size = std::fs::metadata(path).map_or(LARGEST + 1, |metadata| metadata.len());
        return Err(PcapngError::TooLarge { file: name(), size });
    }
    parse(&bytes.into()).map_err(|fault| PcapngError::Broken { file: name(), fault })
}

/// Reads a file's bytes. One that ends within a block is read up to there: it is being written, or its writer was killed.
pub fn parse(bytes: &Bytes) -> Result<Contents, Fault> {
    let fault = |at: usize, expected: &str| Fault { at, expected: expected.to_owned() };
    if bytes.len() >= 4 && bytes[..4] != SECTION {
        let found = hex::encode(&bytes[..4]);
        return Err(fault(0, &format!("a section header (0a0d0d0a) of a pcapng file, found {found}")));
    }
    let mut contents = Contents::default();
    let mut parser: Option<PcapNgParser> = None;
    let mut at = 0;
    while let Some((kind, length)) = head(&bytes[at..], parser.as_ref()) {
        if length % 4 != 0 || !(12..=BLOCK).contains(&length) {
            return Err(fault(at, &format!("a block of 12 to {BLOCK} bytes, a multiple of 4, found {length}")));
        }
        if bytes.len() - at < length {
            break;
        }
        let block = &bytes[at..at + length];
        let broken = |error: PcapError| fault(at, &format!("a block that makes sense: {}", words(&error)));
        let known = matches!(kind, 1 | 5 | 6 | 0x0a0d_0d0a);
        match &mut parser {
            None => {
                let (_, first) = PcapNgParser::new(block).map_err(broken)?;
                contents.about.extend(section_comments(first.section()));
                parser = Some(first);
            }
            Some(parser) if known => match parser.next_block(block).map_err(broken)?.1 {
                Block::SectionHeader(section) => contents.about.extend(section_comments(&section)),
                Block::InterfaceDescription(interface) if interface.linktype != DataLink::ETHERNET => {
                    return Err(fault(at, &format!("an Ethernet interface, found link type {:?}", interface.linktype)));
                }
                Block::InterfaceStatistics(statistics) => {
                    let comments = statistics.options.iter().filter_map(|option| match option {
                        InterfaceStatisticsOption::Comment(text) => Some(text.clone().into_owned()),
                        _ => None,
                    });
                    contents.notes.push(comments.collect());
                }
                Block::EnhancedPacket(packet) => {
                    let interface = parser.interfaces().get(packet.interface_id as usize);
                    let interface = interface.ok_or_else(|| fault(at, "a packet of an interface described before"))?;
                    let time = time_of(&packet, interface);
                    let time = time.ok_or_else(|| fault(at, "a packet of a time that a calendar has"))?;
                    contents.frames.push(frame(bytes, time, &packet));
                }
                _ => {}
            },
            // What others write beside: names, statistics of their own.
            Some(_) => {}
        }
        at += length;
        contents.whole = at;
    }
    Ok(contents)
}

/// Kind and length of the block that `bytes` begin with; none where not even these are there.
fn head(bytes: &[u8], parser: Option<&PcapNgParser>) -> Option<(u32, usize)> {
    let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    // With the mark of the byte order a section header has its own.
    let big = match (bytes.get(..4)? == SECTION, parser) {
        (true, _) => bytes.get(8..12)? == [0x1a, 0x2b, 0x3c, 0x4d],
        (false, Some(parser)) => parser.section().endianness == Endianness::Big,
        (false, None) => return None,
    };
    let turned = |word: u32| if big { u32::from_be(word) } else { u32::from_le(word) };
    Some((turned(word(0)?), turned(word(4)?) as usize))
}

fn section_comments(section: &SectionHeaderBlock<'_>) -> Vec<String> {
    let comments = section.options.iter().filter_map(|option| match option {
        SectionHeaderOption::Comment(text) => Some(text.clone().into_owned()),
        _ => None,
    });
    comments.collect()
}

fn frame(file: &Bytes, time: Timestamp, packet: &EnhancedPacketBlock<'_>) -> Frame {
    let comments = packet.options.iter().filter_map(|option| match option {
        EnhancedPacketOption::Comment(text) => Some(text.clone().into_owned()),
        _ => None,
    });
    Frame { time, length: packet.original_len, data: file.slice_ref(&packet.data), comments: comments.collect() }
}

/// The crate gives the block's number as nanoseconds whatever the interface's resolution is.
fn time_of(packet: &EnhancedPacketBlock<'_>, interface: &InterfaceDescriptionBlock<'_>) -> Option<Timestamp> {
    let (mut resolution, mut offset) = (6, 0);
    for option in &interface.options {
        match option {
            InterfaceDescriptionOption::IfTsResol(value) => resolution = *value,
            InterfaceDescriptionOption::IfTsOffset(seconds) => offset = i64::try_from(*seconds).ok()?,
            _ => {}
        }
    }
    let units = packet.timestamp.as_nanos() * 1_000_000_000;
    let nanoseconds = match resolution {
        // Of two.
        0x80.. => units.checked_shr(u32::from(resolution & 0x7f)).unwrap_or(0),
        ten => units / 10_u128.checked_pow(u32::from(ten))?,
    };
    let offset = i128::from(offset) * 1_000_000_000;
    Timestamp::from_nanosecond(i128::try_from(nanoseconds).ok()?.checked_add(offset)?).ok()
}

fn words(error: &PcapError) -> String {
    match error {
        PcapError::IncompleteBuffer => "it is shorter than what it holds".to_owned(),
        PcapError::InvalidField(what) => (*what).to_owned(),
        PcapError::Utf8Error(_) | PcapError::FromUtf8Error(_) => "a comment is not UTF-8".to_owned(),
        other => other.to_string(),
    }
}

/// Writes one section of packets: in whole blocks, so that a reader finds sense at any time.
pub struct Writer<W: Write> {
    blocks: PcapNgWriter<Vec<u8>>,
    to: W,
}

impl<W: Write> Writer<W> {
    /// Begins a section about the packets of an interface. Nothing is written before [`Writer::flush`].
    pub fn begin(to: W, interface: &str, comment: &str) -> io::Result<Writer<W>> {
        let program = format!("pxelator {}", env!("CARGO_PKG_VERSION"));
        let options = vec![
            SectionHeaderOption::Comment(fitting(comment).to_owned().into()),
            SectionHeaderOption::UserApplication(program.into()),
        ];
        let section = SectionHeaderBlock { endianness: Endianness::native(), options, ..SectionHeaderBlock::default() };
        let mut blocks = PcapNgWriter::with_section_header(Vec::new(), section).map_err(io::Error::other)?;
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen: SNAPLEN,
            options: vec![
                InterfaceDescriptionOption::IfName(fitting(interface).into()),
                InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
            ],
        };
        blocks.write_pcapng_block(interface).map_err(io::Error::other)?;
        Ok(Writer { blocks, to })
    }

    /// Adds a packet with its comments.
    pub fn packet(&mut self, frame: &Frame) -> io::Result<()> {
        let comments = frame.comments.iter().map(|comment| EnhancedPacketOption::Comment(fitting(comment).into()));
        let packet = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: since_epoch(frame.time),
            original_len: frame.length,
            data: (&frame.data[..]).into(),
            options: comments.collect(),
        };
        self.blocks.write_pcapng_block(packet).map(drop).map_err(io::Error::other)
    }

    /// Says how it ended: packets received, those that the system dropped, and words.
    pub fn end(&mut self, time: Timestamp, received: u64, dropped: u64, comments: &[String]) -> io::Result<()> {
        let mut options: Vec<_> =
            comments.iter().map(|comment| InterfaceStatisticsOption::Comment(fitting(comment).into())).collect();
        options.push(InterfaceStatisticsOption::IsbIfRecv(received));
        options.push(InterfaceStatisticsOption::IsbOsDrop(dropped));
        // Its halves are the other way round than this number's.
        let time = u64::try_from(since_epoch(time).as_nanos()).unwrap_or(u64::MAX);
        let timestamp = if cfg!(target_endian = "little") { time.rotate_left(32) } else { time };
        let statistics = InterfaceStatisticsBlock { interface_id: 0, timestamp, options };
        self.blocks.write_pcapng_block(statistics).map(drop).map_err(io::Error::other)
    }

    /// Where they go.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    /// Writes the blocks added so far, in one piece.
    pub fn flush(&mut self) -> io::Result<u64> {
        let blocks = std::mem::take(self.blocks.get_mut());
        if !blocks.is_empty() {
            self.to.write_all(&blocks)?;
        }
        Ok(blocks.len() as u64)
    }
}

fn since_epoch(time: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(time.as_nanosecond()).unwrap_or(0))
}

/// As much of a text as an option takes.
fn fitting(text: &str) -> &str {
    let mut end = text.len().min(COMMENT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;
