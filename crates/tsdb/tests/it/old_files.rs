//! A directory that an earlier version wrote opens, holds what it held, and goes on: log version 3, segment version 2.
//! Its last record is a sample that came late and was left to the log, as that version left all of them.

use std::path::Path;

use bellwether_model::{LogPosition, TimeDelta, Timestamp};
use bellwether_tsdb::LogEvent;
use bellwether_tsdb::fault_disk::FaultDisk;

use crate::world::{Contents, contents, labels, mixed_batch, open, print, value};

const FILES: [(&str, &str); 4] = [
    (
        "log-0000000000000001.bwl",
        "42574c47030000000100000000000000000000000000000000000000000000000000000000000080e01b718e1e0000006ea1 \
         3fc7010002085f5f6e616d655f5f087365726965735f310670617269747901310900000097f5fe30020202010000023ff01e \
         000000e223fd3c010102085f5f6e616d655f5f087365726965735f300670617269747901300f000000d15b7d920202040102 \
         00083ff6a09e667f3bcd0f000000a53c6d40020206010000083ffbb67ae8584caa08000000bada65a4020208010200014011 \
         000000cd09ec64040100000000000000c70000000000000014000000cbe51e0a05020a010000084001e3779b97f4a8000001 \
         0009140000000043590205020c010200084003988e1409212e000001000b450000002f7f592d05020e00000100000800bfa0 \
         89eba4bafcd4fc01000402000000010700c080b0e6cc99b3e6cd010800c07800c082810400c08a0100c090810400bfc00300 \
         c09e810401000d42000000d72eeb4505021000000102000800bfa089eba4bafcd4fc01000404000000010700c086cc99b3e6 \
         cc99330800c0880100c0900100c0980100c0a00100bfc00300c0a40101000f1100000077b995c1040100000000000000af01 \
         000000000000550000007f5fa7c505021200000100000800bfa089eba4bafcd4fc01000700000000000000010700c08ae4cc \
         99b3e6cc99010800c07600c0840100c08c810400c0960100c09e810400c0a40100c0a8810200bfc00300c0a8810201001149 \
         000000519d69ce05021400000102002800bfa089eba4bafcd4fc010007020000000000000107060800c0880100c0920100c0 \
         9c0100c0a2810400c0a80100c0ac810400c0b20100bfc00300c0ac8104000a0000002af8d79e050216000001000002006000 \
         0000e69b6b4a05021800000102000800bfa089eba4bafcd4fc01000a00000000000000000000010700c098b0e6cc99b3e6cc \
         010800c0840100c0900100c09c0100c0a40100c0aa0100c0b00100c0b60100c0bc0100c0c0810400c0c40100bfc00300c0b6 \
         01001100000080427b7c040100000000000000f00200000000000067000000292fe39805021a00000100000800bfa089eba4 \
         bafcd4fc01000a02000000000000000000010700c09ecc99b3e6cc99330800c0940100c0a0810200c0a6810400c0ac810600 \
         c0b40100c0ba810200c0c0810200c0c2810700c0c6810400c0ca810100bfc00300c0ba8102000f0000008741483702021c01 \
         020008400deeea11683f49",
    ),
    (
        "log-0000000000000002.bwl",
        "42574c4703000000020000000000000001000000000000008f030000000000000000000000000080cf962105110000000884 \
         9e930402000000000000002c0000000000000014000000812c311c05021e01000008400efbdeb14f4eda00000100090e0000 \
         00c4b5e67b050220010200024010000001000b11000000986bd29b04020000000000000077000000000000001400000061f9 \
         590c0502220100000840107e0f66afed07000001000d14000000de550c25050224010200084010f876ccdf6cd9000001000f \
         1400000055554f080502260100000840116f8334644df900000100110f000000227e8106020228010200084011e3779b97f4 \
         a8110000000dfb469f040200000000000000fb000000000000004a000000f6a6c0a305022a00000100000800bfa089eba4ba \
         fcd4fc0100050000000000010700c0b2cc99b3e6cc99330800c09e810400c0aa0100c0b4810200c0be810400c0c4810300bf \
         c00300c0ce8105000a000000147fd32005022c000001020002004b000000c164d41505022e00000100004800bfa089eba4ba \
         fcd4fc0100050400000000010700c0b6e4cc99b3e6cc99010800c0b8810600c0c2810200c0c8810100c0ce0100c0d2810700 \
         bfc00300c0d28107000c0000002fcb61d70204013c01020129034058c0",
    ),
    (
        "segment-0000000000000001.bwg",
        "425753470200000001000000000000005094f8eb2003050002010100010302000000000000f03f17048beceac38e8b935506 \
         fff4d7eab0eeb3dc022002030102001002090e00bfa089eba4bafcd4fc01000402000000010700c080b0e6cc99b3e6cd0108 \
         00c07800c082810400c08a0100c090810400bfc00300c09e8104090900bfa089eba4bafcd4fc010007000000000000000107 \
         0185aad5aad5aa952a0800c076017e0107010e010700c0a40100c0a8810208019b80032003050002010100010304cd3b7f66 \
         9ea0f63f0704ffec83f5e9ecdf9dcd011683b0baa491a1881720020501010000011002091000bfa089eba4bafcd4fc010004 \
         04000000010700c086cc99b3e6cc99330800c0880100c0900100c0980100c0a00100bfc00300c0a401090b00bfa089eba4ba \
         fcd4fc010007020000000000000107018be6cc99b3e6cc190800c08801010d0106019d8002010400c0ac810400c0b2010801 \
         8480020002142784d3af909f02040302bfe003c0828cbfb7f3a5faa801c0a6fcd6f5d0f8867e7e52278226c00e0202032cb1 \
         f58585ee220102b901286fe65b189f04040302bfec83f5e9ecdf9dcd01c086e0f4c8a2c2902ec0aed0f3b694e9af8a018001 \
         eb1cdde4c01002025f06a45ff0db47c70000000034000000710000003a300000010000000000010010000000000001006101 \
         000000000000d201000000000000de01000000000000f20100000000000004000000000000000a0000000000000001000000 \
         000000000a00000000000000b87e5ed4879c549242575345",
    ),
    (
        "series.bws",
        "42575352010000001e000000429b5898000102085f5f6e616d655f5f087365726965735f310670617269747901311e000000 \
         e223fd3c010102085f5f6e616d655f5f087365726965735f30067061726974790130",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn written() -> FaultDisk {
    let disk = FaultDisk::new();
    for (name, hex) in FILES {
        disk.set_bytes(&Path::new(crate::world::DIR).join(name), bytes(hex));
    }
    disk
}

#[test]
fn files_of_the_version_before_open_and_go_on() {
    let disk = written();
    let mut expected = Contents::new();
    let mut expect = |at: i64| {
        let (value, since) = value(at);
        expected.entry(format!("series_{}", at % 2)).or_default().insert(at, print(&value, since));
    };
    (1..24).for_each(&mut expect);
    let (store, recovery) = open(&disk);
    assert!(recovery.quarantined.is_empty() && recovery.damaged_bytes + recovery.torn_bytes == 0);
    assert_eq!((recovery.segments, recovery.segment_samples), (1, 10));
    assert_eq!((contents(&store), store.stats().head_samples), (expected.clone(), 13));
    let mut logged = 0;
    let mut count = |event: LogEvent<'_>| match event {
        LogEvent::Batch { batch, .. } => logged += batch.len(),
        LogEvent::Series { .. } => {}
        LogEvent::Lost { .. } => panic!("nothing is damaged"),
    };
    store.replay(LogPosition::default(), &mut count).unwrap();
    assert_eq!(logged, 24, "with the one that only the log has");
    for at in 24..40 {
        let id = store.find(&labels((at % 2) as u8)).unwrap();
        let (value, since) = value(at);
        store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
        let (value, since) = crate::world::value(at);
        expected.entry(format!("series_{}", at % 2)).or_default().insert(at, print(&value, since));
    }
    store.sync().unwrap();
    drop(store);
    let store = open(&disk).0;
    assert_eq!((contents(&store), store.stats().head_samples), (expected.clone(), 29));
    store.seal(Timestamp(35)).unwrap();
    assert_eq!(store.compact(Timestamp(100), TimeDelta(100)).unwrap().segments, 2);
    assert_eq!(contents(&store), expected);
    drop(store);
    let store = open(&disk).0;
    assert_eq!((contents(&store), store.stats().head_samples), (expected, 5));
}
