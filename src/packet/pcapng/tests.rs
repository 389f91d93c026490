use super::*;
use proptest::prelude::*;
use std::process::Command;

fn written(frames: &[Frame], notes: &[String]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::begin(&mut file, "br0", "boot of web1").unwrap();
    frames.iter().for_each(|frame| writer.packet(frame).unwrap());
    writer.end(at(2_000_000_000_123_456_789), frames.len() as u64, 3, notes).unwrap();
    writer.flush().unwrap();
    file
}

fn at(nanoseconds: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds).unwrap()
}

fn a_frame(length: u32, data: &[u8], comments: &[&str]) -> Frame {
    let comments = comments.iter().map(ToString::to_string).collect();
    Frame { time: at(1_795_000_000_123_456_789), length, data: Bytes::copy_from_slice(data), comments }
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let comments = prop::collection::vec("[ -~äöü…]{0,40}", 0..3);
    let frame = (0..i128::from(i64::MAX), 0..70_000_u32, prop::collection::vec(any::<u8>(), 0..200), comments);
    let frame = frame.prop_map(|(time, more, data, comments)| Frame {
        time: at(time),
        length: more + u32::try_from(data.len()).unwrap(),
        data: data.into(),
        comments,
    });
    prop::collection::vec(frame, 0..20)
}

proptest! {
    #[test]
    fn what_is_written_is_read(frames in frames(), cut in 0..4_000_usize) {
        let notes = vec!["up".to_owned(), "ä".to_owned()];
        let file = Bytes::from(written(&frames, &notes));
        let contents = parse(&file).unwrap();
        prop_assert_eq!(&contents.frames, &frames);
        prop_assert_eq!(&contents.notes, &[notes]);
        prop_assert_eq!(&contents.about, &["boot of web1".to_owned()]);
        prop_assert_eq!(contents.whole, file.len());
        // A writer that was killed anywhere leaves the packets before.
        let cut = cut.min(file.len());
        let part = parse(&file.slice(..cut)).unwrap();
        prop_assert_eq!(&part.frames[..], &frames[..part.frames.len()]);
        prop_assert!(part.whole <= cut);
        // And the next one goes on behind them.
        let mut whole = file[..part.whole].to_vec();
        whole.extend(written(&frames, &[]));
        let again = parse(&whole.into()).unwrap();
        prop_assert_eq!(again.frames.len(), part.frames.len() + frames.len());
    }

    #[test]
    fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), change in any::<prop::sample::Index>(), to in any::<u8>()) {
        let _ = parse(&bytes.clone().into());
        let mut file = written(&[a_frame(60, &[7; 60], &["a", "b"])], &["c".to_owned()]);
        let place = change.index(file.len());
        file[place] = to;
        let _ = parse(&file.into());
        let mut behind = written(&[], &[]);
        behind.extend(bytes);
        let _ = parse(&behind.into());
    }
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    let good = written(&[a_frame(4, &[1, 2, 3, 4], &["x"])], &[]);
    let first = u32::from_le_bytes(good[4..8].try_into().unwrap()) as usize;
    let second = first + u32::from_le_bytes(good[first + 4..first + 8].try_into().unwrap()) as usize;
    let changed = |at: usize, to: &[u8]| {
        let mut file = good.clone();
        file[at..at + to.len()].copy_from_slice(to);
        parse(&file.into()).unwrap_err().to_string()
    };
    for (at, to, told) in [
        (
            0,
            &b"\xd4\xc3\xb2\xa1"[..],
            "byte 0: expected a section header (0a0d0d0a) of a pcapng file, found d4c3b2a1".to_owned(),
        ),
        (
            first + 4,
            &[13, 0, 0, 0],
            format!("byte {first}: expected a block of 12 to 16777216 bytes, a multiple of 4, found 13"),
        ),
        (
            first + 4,
            &[0, 0, 0, 0x7f],
            format!("byte {first}: expected a block of 12 to 16777216 bytes, a multiple of 4, found 2130706432"),
        ),
        (first + 8, &[113, 0], format!("byte {first}: expected an Ethernet interface, found link type LINUX_SLL")),
        (second + 8, &[9, 0, 0, 0], format!("byte {second}: expected a packet of an interface described before")),
        (
            second + 20,
            &[0xff, 0xff],
            format!(
                "byte {second}: expected a block that makes sense: EnhancedPacketBlock: captured_len + padding > block length"
            ),
        ),
    ] {
        assert_eq!(changed(at, to), told);
    }
    let missing = read(Path::new("/nowhere/boot.pcapng")).unwrap_err().to_string();
    assert!(missing.starts_with("/nowhere/boot.pcapng: No such file"), "{missing}");
}

#[test]
fn others_resolutions_and_byte_orders_are_understood() {
    for endianness in [Endianness::Big, Endianness::Little] {
        for (resolution, units, nanoseconds) in [
            (None, 1_795_000_000_123_456, 1_795_000_000_123_456_000),
            (Some(3), 1_795_000_000_123, 1_795_000_000_123_000_000),
            (Some(9), 1_795_000_000_123_456_789, 1_795_000_000_123_456_789),
            (Some(0x81), 3_590_000_001, 1_795_000_000_500_000_000),
        ] {
            let section = SectionHeaderBlock { endianness, ..SectionHeaderBlock::default() };
            let mut writer = PcapNgWriter::with_section_header(Vec::new(), section).unwrap();
            let options = resolution.map(InterfaceDescriptionOption::IfTsResol).into_iter().collect();
            let interface = InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: 0, options };
            writer.write_pcapng_block(interface).unwrap();
            let packet = EnhancedPacketBlock {
                interface_id: 0,
                timestamp: Duration::from_nanos(units),
                original_len: 3,
                data: vec![1, 2, 3].into(),
                options: vec![],
            };
            writer.write_pcapng_block(packet).unwrap();
            let contents = parse(&writer.into_inner().into()).unwrap();
            assert_eq!(contents.frames[0].time, at(nanoseconds), "{endianness:?} {resolution:?}");
        }
    }
}

#[test]
fn wireshark_reads_it() {
    if Command::new("tshark").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped: needs tshark");
        println!("skipped: needs tshark");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("boot.pcapng");
    let frames = [
        a_frame(60, &[0xff; 60], &["dhcp.discovered: looks for a server", "ä second one"]),
        a_frame(1500, &[2; 96], &[]),
    ];
    std::fs::write(&file, written(&frames, &["up".to_owned()])).unwrap();
    assert_eq!(read(&file).unwrap(), frames);
    let mut tshark = Command::new("tshark");
    tshark
        .arg("-r")
        .arg(&file)
        .args("-T fields -E separator=; -e frame.time_epoch -e frame.len -e frame.cap_len -e frame.comment".split(' '));
    let output = tshark.env("LC_ALL", "C.UTF-8").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "1795000000.123456789;60;60;dhcp.discovered: looks for a server,ä second one",
            "1795000000.123456789;1500;96;",
        ],
        "{output:?}"
    );
    assert!(output.status.success(), "{output:?}");
}
