//! When a certificate ends. Only its validity is read, of as much DER as stands before it; whether the certificate may
//! be trusted is the TLS library's business. Structure: RFC 5280, section 4.1.

use bellwether_model::{TimeDelta, Timestamp};

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

/// The moment after which a certificate is no longer valid; `None` if it cannot be read.
pub fn ends_at(der: &[u8]) -> Option<Timestamp> {
    let mut certificate = Reader(Reader(der).expect(SEQUENCE)?);
    let mut signed = Reader(certificate.expect(SEQUENCE)?);
    if signed.0.first() == Some(&VERSION) {
        signed.any()?;
    }
    for _serial_algorithm_issuer in 0..3 {
        signed.any()?;
    }
    let mut validity = Reader(signed.expect(SEQUENCE)?);
    validity.any()?;
    let (tag, text) = validity.any()?;
    moment(tag, text)
}

/// What is left of a DER value's contents.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value: its tag and its contents.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            short @ 0..=0x7f => (usize::from(short), rest),
            // Four bytes of length are four gigabytes.
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long - 0x80))?;
                (bytes.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, contents))
    }

    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.any().filter(|(tag, _)| *tag == wanted).map(|(_, contents)| contents)
    }
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`; nothing else is allowed in certificates.
fn moment(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0i64, |n, digit| n * 10 + i64::from(digit - b'0'));
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at(2);
            let year = number(year);
            // RFC 5280: from 50 on it is the last century.
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (year, rest) = digits.split_at(4);
            (number(year), rest)
        }
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(&rest[at..at + 2]));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let of_day = TimeDelta((hour * 3600 + minute * 60 + second) * 1000);
    Some(Timestamp(day_number(year, month, day) * TimeDelta::DAY.0) + of_day)
}

/// Days since the epoch, in the proleptic Gregorian calendar.
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms".
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        match contents.len() {
            short @ 0..=0x7f => bytes.push(short as u8),
            middle @ 0x80..=0xff => bytes.extend([0x81, middle as u8]),
            long => bytes.extend([0x82, (long >> 8) as u8, long as u8]),
        }
        bytes.extend(contents);
        bytes
    }

    fn certificate(end: &[u8]) -> Vec<u8> {
        let validity = value(SEQUENCE, &[value(UTC_TIME, b"200101000000Z"), end.to_vec()].concat());
        let issuer = value(SEQUENCE, &[0; 200]);
        let signed = [
            value(VERSION, &value(2, &[2])),
            value(2, &[7]),
            value(SEQUENCE, &[]),
            issuer,
            validity,
            value(SEQUENCE, &[]),
        ];
        value(SEQUENCE, &value(SEQUENCE, &signed.concat()))
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_notations() {
        let check = |tag: u8, text: &str, expected: Option<&str>| {
            let found = ends_at(&certificate(&value(tag, text.as_bytes()))).map(|at| at.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check(UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59.000Z"));
        check(UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00.000Z"));
        check(GENERALIZED_TIME, "20500229120000Z", Some("2050-03-01T12:00:00.000Z"));
        check(GENERALIZED_TIME, "20240229000001Z", Some("2024-02-29T00:00:01.000Z"));
        check(UTC_TIME, "261301000000Z", None);
        check(UTC_TIME, "2601010000Z", None);
        check(UTC_TIME, "260101000000+0100", None);
        check(GENERALIZED_TIME, "260101000000Z", None);
    }

    #[test]
    fn a_certificate_that_is_cut_anywhere_is_not_read() {
        let whole = certificate(&value(UTC_TIME, b"300101000000Z"));
        assert!(ends_at(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(ends_at(&whole[..length]), None, "cut at {length}");
        }
    }
}
