//! Questions and answers of DNS on the wire. What is read is bounded: a name has at most 255 bytes and follows at most
//! 32 pointers, each of which goes back. Format: RFC 1035, section 4.1; record types: RFC 3596 (AAAA), 2782 (SRV), 8659 (CAA).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Bytes of a header.
const HEADER_BYTES: usize = 12;
/// Bytes of a name, RFC 1035, section 2.3.4.
const NAME_BYTES_MAX: usize = 255;
/// Bytes of one part of a name.
const LABEL_BYTES_MAX: usize = 63;
/// Pointers that one name follows.
const POINTERS_MAX: usize = 32;
const CLASS_INTERNET: u16 = 1;
const RECURSION_DESIRED: u16 = 0x0100;
const IS_RESPONSE: u16 = 0x8000;
const IS_TRUNCATED: u16 = 0x0200;

/// What can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub enum RecordType {
    #[default]
    A,
    Aaaa,
    Cname,
    Ns,
    Ptr,
    Mx,
    Txt,
    Soa,
    Srv,
    Caa,
}

impl RecordType {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::A,
        Self::Aaaa,
        Self::Cname,
        Self::Ns,
        Self::Ptr,
        Self::Mx,
        Self::Txt,
        Self::Soa,
        Self::Srv,
        Self::Caa,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Ns => "NS",
            Self::Ptr => "PTR",
            Self::Mx => "MX",
            Self::Txt => "TXT",
            Self::Soa => "SOA",
            Self::Srv => "SRV",
            Self::Caa => "CAA",
        }
    }

    /// Its number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Cname => 5,
            Self::Soa => 6,
            Self::Ptr => 12,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
            Self::Srv => 33,
            Self::Caa => 257,
        }
    }
}

/// What a server says of a question, RFC 1035 and RFC 2136.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseCode(pub u8);

const CODES: [&str; 11] = [
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
    "NOTAUTH", "NOTZONE",
];

impl ResponseCode {
    /// There is an answer, or at least the name.
    pub const NO_ERROR: Self = Self(0);

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        CODES.iter().position(|code| code.eq_ignore_ascii_case(name)).map(|number| Self(number as u8))
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        CODES.into_iter()
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match CODES.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "code {}", self.0),
        }
    }
}

/// A name as it is sent; `None` for what is none.
fn encode_name(name: &str) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut bytes = Vec::with_capacity(name.len() + 2);
    if !name.is_empty() {
        for label in name.split('.') {
            let is_good = !label.is_empty() && label.len() <= LABEL_BYTES_MAX && label.is_ascii();
            if !is_good || label.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control()) {
                return None;
            }
            bytes.push(label.len() as u8);
            bytes.extend(label.as_bytes());
        }
    }
    bytes.push(0);
    (bytes.len() <= NAME_BYTES_MAX).then_some(bytes)
}

/// Whether a text can be asked for.
pub fn is_name(name: &str) -> bool {
    encode_name(name).is_some()
}

/// A question under a number; `None` if the name is none.
pub fn question(id: u16, name: &str, kind: RecordType) -> Option<Vec<u8>> {
    let name = encode_name(name)?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + name.len() + 4);
    for word in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(name);
    bytes.extend(kind.number().to_be_bytes());
    bytes.extend(CLASS_INTERNET.to_be_bytes());
    Some(bytes)
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What the server says of the question.
    pub code: ResponseCode,
    /// Whether the answer was too long for its datagram.
    pub is_truncated: bool,
    /// Answers, as zone files write them: `192.0.2.1`, `10 mail.example.org.`
    pub answers: Vec<Answer>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Number of its type.
    pub kind: u16,
    /// Its value.
    pub value: String,
}

/// Reads the answer to a question; the error says why it is none.
pub fn response(bytes: &[u8], asked: &[u8]) -> Result<Response, &'static str> {
    let mut reader = Reader { bytes, at: 0 };
    let short = "the answer is shorter than it says";
    let header: Vec<u16> = (0..6).map(|_| reader.word()).collect::<Option<_>>().ok_or(short)?;
    let [id, flags, questions, answers, ..] = header.as_slice() else { return Err(short) };
    if asked.get(..2) != Some(&id.to_be_bytes()) || flags & IS_RESPONSE == 0 {
        return Err("the answer belongs to another question");
    }
    let (code, is_truncated) = (ResponseCode((flags & 0xf) as u8), flags & IS_TRUNCATED != 0);
    for _ in 0..*questions {
        reader.name().ok_or(short)?;
        reader.take(4).ok_or(short)?;
    }
    let mut read = Vec::new();
    // A truncated answer may end anywhere; it is asked for again.
    for _ in 0..if is_truncated { 0 } else { *answers } {
        read.push(reader.answer().ok_or(short)?);
    }
    Ok(Response { code, is_truncated, answers: read })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn word(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn name(&mut self) -> Option<String> {
        let (mut name, mut at, mut after, mut pointers) = (String::new(), self.at, None, 0);
        loop {
            let length = *self.bytes.get(at)?;
            match length {
                0 => {
                    self.at = after.unwrap_or(at + 1);
                    return Some(if name.is_empty() { ".".to_owned() } else { name });
                }
                label @ 1..=63 => {
                    let label = self.bytes.get(at + 1..at + 1 + usize::from(label))?;
                    name.extend(label.iter().map(|byte| shown(*byte)));
                    name.push('.');
                    at += 1 + label.len();
                    if name.len() > NAME_BYTES_MAX {
                        return None;
                    }
                }
                0xc0.. => {
                    let target = usize::from(length & 0x3f) << 8 | usize::from(*self.bytes.get(at + 1)?);
                    after = after.or(Some(at + 2));
                    pointers += 1;
                    if target >= at || pointers > POINTERS_MAX {
                        return None;
                    }
                    at = target;
                }
                64..=0xbf => return None,
            }
        }
    }

    fn answer(&mut self) -> Option<Answer> {
        self.name()?;
        let kind = self.word()?;
        self.take(6)?; // class and time to live
        let length = usize::from(self.word()?);
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let mut data = Reader { bytes: &self.bytes[..end], at: self.at };
        let value = data.value(kind)?;
        self.at = end;
        Some(Answer { kind, value })
    }

    fn value(&mut self, kind: u16) -> Option<String> {
        let known = RecordType::ALL.into_iter().find(|known| known.number() == kind);
        Some(match known {
            Some(RecordType::A) => Ipv4Addr::from(<[u8; 4]>::try_from(self.take(4)?).ok()?).to_string(),
            Some(RecordType::Aaaa) => Ipv6Addr::from(<[u8; 16]>::try_from(self.take(16)?).ok()?).to_string(),
            Some(RecordType::Cname | RecordType::Ns | RecordType::Ptr) => self.name()?,
            Some(RecordType::Mx) => format!("{} {}", self.word()?, self.name()?),
            Some(RecordType::Srv) => {
                format!("{} {} {} {}", self.word()?, self.word()?, self.word()?, self.name()?)
            }
            Some(RecordType::Soa) => format!("{} {}", self.name()?, self.name()?),
            Some(RecordType::Txt) => {
                let mut text = String::new();
                while self.at < self.bytes.len() {
                    let length = self.byte()?;
                    text.extend(self.take(usize::from(length))?.iter().map(|byte| shown(*byte)));
                }
                text
            }
            Some(RecordType::Caa) => {
                let (flags, length) = (self.byte()?, self.byte()?);
                let tag: String = self.take(usize::from(length))?.iter().map(|byte| shown(*byte)).collect();
                let rest = self.take(self.bytes.len() - self.at)?;
                format!("{flags} {tag} {}", rest.iter().map(|byte| shown(*byte)).collect::<String>())
            }
            None => format!("{} bytes of type {kind}", self.bytes.len() - self.at),
        })
    }
}

/// A byte where text is expected.
fn shown(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '?' }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to `a.example.` with records that point back into it.
    fn reply(code: u8, records: &[(u16, Vec<u8>)]) -> (Vec<u8>, Vec<u8>) {
        let asked = question(7, "a.example", RecordType::A).unwrap();
        let mut bytes = Vec::new();
        for word in [7, IS_RESPONSE | u16::from(code), 1, records.len() as u16, 0, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(&asked[HEADER_BYTES..]);
        for (kind, data) in records {
            bytes.extend([0xc0, HEADER_BYTES as u8]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend((data.len() as u16).to_be_bytes());
            bytes.extend(data);
        }
        (bytes, asked)
    }

    fn values(records: &[(u16, Vec<u8>)]) -> Result<Vec<String>, &'static str> {
        let (bytes, asked) = reply(0, records);
        Ok(response(&bytes, &asked)?.answers.into_iter().map(|answer| answer.value).collect())
    }

    #[test]
    fn values_are_written_as_in_zone_files() {
        let back = vec![0xc0, 12];
        let check = |kind: u16, data: Vec<u8>, expected: &str| {
            assert_eq!(values(&[(kind, data)]), Ok(vec![expected.to_owned()]), "type {kind}");
        };
        check(1, vec![192, 0, 2, 1], "192.0.2.1");
        check(28, [vec![0x20, 1, 0xd, 0xb8], vec![0; 11], vec![1]].concat(), "2001:db8::1");
        check(5, back.clone(), "a.example.");
        check(15, [vec![0, 10], back.clone()].concat(), "10 a.example.");
        check(33, [vec![0, 1, 0, 2, 0, 80], back].concat(), "1 2 80 a.example.");
        check(16, b"\x02ab\x01c".to_vec(), "abc");
        check(257, b"\x00\x05issueca.example".to_vec(), "0 issue ca.example");
        check(99, vec![1, 2, 3], "3 bytes of type 99");
        check(2, vec![0], ".");
    }

    #[test]
    fn what_lies_about_its_length_or_turns_in_circles_is_refused() {
        assert!(values(&[(1, vec![1, 2, 3])]).is_err());
        assert!(values(&[(16, vec![9, 1])]).is_err());
        // A name that points at itself: its own place is after the question and the record's head.
        let at = HEADER_BYTES + 15 + 12;
        assert!(values(&[(5, vec![0xc0, at as u8])]).is_err());
        assert!(values(&[(5, vec![0x80, 0])]).is_err());
        let (whole, asked) = reply(3, &[(15, vec![0, 10, 0xc0, 12])]);
        assert_eq!(response(&whole, &asked).unwrap().code.to_string(), "NXDOMAIN");
        for length in 0..whole.len() {
            assert!(response(&whole[..length], &asked).is_err(), "cut at {length}");
        }
        assert!(response(&whole, &[0, 8]).is_err(), "another question's answer");
    }

    #[test]
    fn only_names_are_asked_for() {
        for (name, is_good) in [
            ("example.org", true),
            ("example.org.", true),
            (".", true),
            ("_sip._tcp.example.org", true),
            ("a..b", false),
            ("a b", false),
            ("b\u{fc}cher.example", false),
        ] {
            assert_eq!(is_name(name), is_good, "{name}");
        }
        assert!(!is_name(&"a".repeat(64)) && !is_name(&"abc.".repeat(70)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = response(&bytes, &bytes);
        }

        #[test]
        fn no_change_of_an_answer_makes_it_panic(
            changes in proptest::collection::vec((0usize..120, proptest::num::u8::ANY), 0..8),
        ) {
            let back = vec![0, 10, 0xc0, 12];
            let records = [(15, back.clone()), (33, [vec![0, 1], back.clone()].concat()), (16, b"\x03abc".to_vec()), (257, b"\x00\x05issuex".to_vec())];
            let (mut bytes, asked) = reply(0, &records);
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            if let Ok(read) = response(&bytes, &asked) {
                proptest::prop_assert!(read.answers.iter().all(|answer| answer.value.len() <= 600));
            }
        }
    }
}
