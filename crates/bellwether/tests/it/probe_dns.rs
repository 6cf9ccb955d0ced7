//! DNS probes against a fake name server over UDP and TCP.

use bellwether::probe::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::probe::check_at;

const TRUNCATED: u16 = 0x0200;

/// What a fake name server says.
#[derive(Clone, Copy)]
struct Fake {
    code: u16,
    /// Flags of what is said over UDP.
    flags: u16,
    /// Addresses, all in 192.0.2.0/24.
    answers: &'static [u8],
    /// Answers under another number than was asked, then rightly.
    first_lies: bool,
}

const WELL: Fake = Fake { code: 0, flags: 0, answers: &[7, 8], first_lies: false };

/// One port over both. Who else listens may have the other half of a free one.
async fn both() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free over both UDP and TCP");
}

impl Fake {
    fn reply(self, question: &[u8], flags: u16) -> Vec<u8> {
        let answers = if flags & TRUNCATED != 0 { &[] } else { self.answers };
        let mut bytes = question[..2].to_vec();
        for word in [0x8180 | self.code | flags, 1, answers.len() as u16, 0, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(&question[12..]);
        for last in answers {
            bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, *last]);
        }
        bytes
    }

    async fn open(self) -> String {
        let (udp, tcp) = both().await;
        let address = udp.local_addr().unwrap();
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = udp.recv_from(&mut question).await {
                let reply = self.reply(&question[..length], self.flags);
                if self.first_lies {
                    let lie = [&[!reply[0]], &reply[1..]].concat();
                    let _ = udp.send_to(&lie, from).await;
                }
                let _ = udp.send_to(&reply, from).await;
            }
        });
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = tcp.accept().await {
                let length = connection.read_u16().await.unwrap_or_default();
                let mut question = vec![0; usize::from(length)];
                if connection.read_exact(&mut question).await.is_err() {
                    continue;
                }
                let reply = self.reply(&question, 0);
                let _ = connection.write_u16(reply.len() as u16).await;
                let _ = connection.write_all(&reply).await;
            }
        });
        address.to_string()
    }
}

#[tokio::test]
async fn an_answer_is_held_against_every_expectation() {
    use Reason::{Content, Protocol, Status, Timeout};
    let asks = "query: shop.example";
    let cases = [
        (WELL, asks, "", None),
        (
            WELL,
            asks,
            "answers_match: ['^192\\.0\\.2\\.7$', '\\.8$'], answers_not_match: '^10\\.', answers_min: 2",
            None,
        ),
        (WELL, asks, "answers_min: 3", Some((Content, "expected at least 3 answers: 192.0.2.7, 192.0.2.8"))),
        (WELL, asks, "answers_match: '^10\\.'", Some((Content, "192.0.2.7, 192.0.2.8"))),
        (WELL, asks, "answers_not_match: '\\.8$'", Some((Content, "no answer that matches"))),
        (
            Fake { answers: &[], ..WELL },
            asks,
            "",
            Some((Content, "expected at least one answer: no answers")),
        ),
        (Fake { answers: &[], ..WELL }, asks, "answers_min: 0", None),
        (
            Fake { code: 3, answers: &[], ..WELL },
            asks,
            "",
            Some((Status, "NOERROR for shop.example A: NXDOMAIN")),
        ),
        (Fake { code: 3, answers: &[], ..WELL }, asks, "rcode: nxdomain", None),
        (Fake { flags: TRUNCATED, ..WELL }, asks, "answers_min: 2", None),
        (WELL, "query: shop.example, transport: tcp", "answers_min: 2", None),
        (Fake { first_lies: true, ..WELL }, asks, "answers_min: 2", None),
    ];
    for (fake, asks, expect, expected) in cases {
        let address = fake.open().await;
        check_at(&format!("dns: {{server: '{address}', {asks}}}, expect: {{{expect}}}"), expected).await;
    }
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    check_at(&format!("dns: {{server: '{address}', {asks}}}"), Some((Timeout, "while waiting"))).await;
    let liar = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = liar.local_addr().unwrap();
    tokio::spawn(async move {
        let mut question = [0; 512];
        let (length, from) = liar.recv_from(&mut question).await.unwrap();
        question[2] |= 0x80;
        question[7] = 9; // nine answers follow, which are not there
        liar.send_to(&question[..length], from).await.unwrap();
    });
    let yaml = format!("dns: {{server: '{address}', {asks}}}");
    check_at(&yaml, Some((Protocol, "shorter than it says"))).await;
}
