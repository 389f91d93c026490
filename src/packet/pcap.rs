//! Frames as a pcap file with nanoseconds, which every program that reads packets takes.

use super::Frame;

/// Bytes of a frame that are kept at most.
pub const SNAPLEN: u32 = 262_144;
/// Ethernet (LINKTYPE_ETHERNET).
const ETHERNET: u32 = 1;

/// What a file begins with.
pub fn head() -> Vec<u8> {
    let mut head = Vec::with_capacity(24);
    head.extend(0xa1b2_3c4d_u32.to_le_bytes());
    head.extend(2_u16.to_le_bytes());
    head.extend(4_u16.to_le_bytes());
    [0, 0, SNAPLEN, ETHERNET].iter().for_each(|number: &u32| head.extend(number.to_le_bytes()));
    head
}

/// Adds a frame.
pub fn write(frame: &Frame, to: &mut Vec<u8>) {
    let kept = frame.data.get(..SNAPLEN as usize).unwrap_or(&frame.data);
    // The format has no time before 1970 nor after 2106.
    let seconds = u32::try_from(frame.time.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(frame.time.subsec_nanosecond()).unwrap_or(0);
    let length = u32::try_from(kept.len()).unwrap_or(SNAPLEN);
    for number in [seconds, nanoseconds, length, frame.length.max(length)] {
        to.extend(number.to_le_bytes());
    }
    to.extend(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use pcap_file::pcap::PcapReader;

    #[test]
    fn another_reader_reads_it() {
        let time: jiff::Timestamp = "2026-11-24T09:20:05.123456789Z".parse().unwrap();
        let frame = Frame { time, length: 100, data: Bytes::from_static(&[7; 60]), comments: Vec::new() };
        let mut file = head();
        write(&frame, &mut file);
        write(&frame, &mut file);
        let mut reader = PcapReader::new(&file[..]).unwrap();
        for _ in 0..2 {
            let packet = reader.next_packet().unwrap().unwrap();
            assert_eq!((packet.orig_len, &packet.data[..]), (100, &[7; 60][..]));
            assert_eq!(packet.timestamp.as_nanos(), u128::try_from(time.as_nanosecond()).unwrap());
        }
        assert!(reader.next_packet().is_none());
    }
}
