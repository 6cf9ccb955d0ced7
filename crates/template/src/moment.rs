//! Moments and lengths of time as Go prints them, and Go's way of stating a layout by an example date.

use bellwether_model::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A moment and the zone it is shown in.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    zone: TimeZone,
}

/// Go's zero time, 0001-01-01 00:00:00 UTC: what an alert without an end has as its end.
const ZERO_MS: i64 = -62_135_596_800_000;

/// How a piece of a layout is written in Go, longest first where one begins another, and what it stands for here.
const LAYOUT: [(&str, &str); 33] = [
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "%Z"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("002", "%j"),
    ("2006", "%Y"),
    ("15", "%H"),
    ("-07:00", "%:z"),
    ("-0700", "%z"),
    ("-07", "%-z"),
    ("Z07:00", "Z:"),
    ("Z0700", "Z"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("_2", "%e"),
    (".000000000", ".9"),
    (".000000", ".6"),
    (".000", ".3"),
    (".999999999", ".-9"),
    (".999999", ".-6"),
    (".999", ".-3"),
    ("1", "%-m"),
    ("2", "%-d"),
    ("3", "%-I"),
    ("4", "%-M"),
    ("5", "%-S"),
];

impl Moment {
    /// A moment shown in UTC.
    pub fn utc(at: Timestamp) -> Self {
        Self { at, zone: TimeZone::UTC }
    }

    /// Go's zero time.
    pub fn zero() -> Self {
        Self::utc(Timestamp(ZERO_MS))
    }

    /// Whether it is Go's zero time.
    pub fn is_zero(&self) -> bool {
        self.at.0 == ZERO_MS
    }

    /// The same moment shown in a zone of the built-in IANA database.
    pub fn in_zone(&self, name: &str) -> Result<Self, String> {
        let zone = match name {
            "" | "UTC" => TimeZone::UTC,
            _ => TimeZoneDatabase::bundled().get(name).map_err(|_| {
                format!("unknown time zone {name:?}; write an IANA name such as Europe/Berlin")
            })?,
        };
        Ok(Self { at: self.at, zone })
    }

    pub(crate) fn zoned(&self) -> jiff::Zoned {
        let ms = self.at.0.clamp(-377_705_023_201_000, 253_402_207_200_000);
        jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(self.zone.clone())
    }

    /// The date in a layout of Go's, such as `2006-01-02 15:04:05 MST`.
    pub fn format(&self, layout: &str) -> String {
        let zoned = self.zoned();
        let (mut rest, mut out) = (layout, String::new());
        while let Some(c) = rest.chars().next() {
            let piece = LAYOUT.iter().filter(|(go, _)| rest.starts_with(go)).max_by_key(|(go, _)| go.len());
            match piece {
                Some((go, ours)) => {
                    out.push_str(&part(&zoned, ours));
                    rest = &rest[go.len()..];
                }
                None => {
                    out.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        out
    }

    /// As Go prints a time: `2026-01-02 03:04:05.678 +0000 UTC`.
    pub fn text(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    /// RFC 3339 with as many digits of the second as it needs: JSON's form.
    pub fn rfc3339(&self) -> String {
        self.format("2006-01-02T15:04:05.999999999Z07:00")
    }
}

fn part(zoned: &jiff::Zoned, piece: &str) -> String {
    let is_utc = zoned.offset().is_zero();
    let strftime = |format: &str| zoned.strftime(format).to_string();
    match piece {
        "Z:" => {
            if is_utc {
                "Z".to_owned()
            } else {
                strftime("%:z")
            }
        }
        "Z" => {
            if is_utc {
                "Z".to_owned()
            } else {
                strftime("%z")
            }
        }
        "%-z" => strftime("%z").chars().take(3).collect(),
        _ if piece.starts_with('.') => {
            let digits: usize = piece.trim_start_matches(['.', '-']).parse().unwrap_or(3);
            let all = format!("{:09}", zoned.subsec_nanosecond());
            let text = &all[..digits.min(9)];
            let text = if piece.starts_with(".-") { text.trim_end_matches('0') } else { text };
            if text.is_empty() { String::new() } else { format!(".{text}") }
        }
        _ => strftime(piece),
    }
}

/// As Go prints a length of time: `1h30m0s`, `1.5s`, `200ms`, `0s`.
pub(crate) fn duration_text(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let abs = ns.unsigned_abs();
    let decimal = |unit: u64| {
        let (whole, rest) = (abs / unit, abs % unit);
        let width = unit.to_string().len() - 1;
        let fraction = format!("{rest:0width$}");
        let fraction = fraction.trim_end_matches('0');
        if rest == 0 { format!("{whole}") } else { format!("{whole}.{fraction}") }
    };
    match abs {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{abs}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(1_000_000)),
        _ => {
            let minutes = abs / 60_000_000_000;
            let seconds = abs % 60_000_000_000;
            let fraction = format!("{:09}", seconds % 1_000_000_000);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            let seconds = format!("{}{point}{fraction}s", seconds / 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}"),
                (0, m) => format!("{sign}{m}m{seconds}"),
                (h, m) => format!("{sign}{h}h{m}m{seconds}"),
            }
        }
    }
}

impl Moment {
    /// Reads a date written in one of Go's layouts, as UTC unless it states an offset.
    pub fn parse(layout: &str, text: &str) -> Result<Self, String> {
        let (mut rest, mut format) = (layout, String::new());
        let mut has_offset = false;
        while let Some(c) = rest.chars().next() {
            let piece = LAYOUT.iter().filter(|(go, _)| rest.starts_with(go)).max_by_key(|(go, _)| go.len());
            let Some((go, ours)) = piece else {
                format.push(c);
                if c == '%' {
                    format.push('%');
                }
                rest = &rest[c.len_utf8()..];
                continue;
            };
            has_offset |= matches!(*ours, "Z:" | "Z" | "%:z" | "%z");
            format.push_str(match *ours {
                "Z:" | "%:z" => "%:z",
                "Z" => "%z",
                _ if ours.starts_with('.') => "%.f",
                _ => ours,
            });
            rest = &rest[go.len()..];
        }
        let bad = || format!("{text:?} is not a date written as {layout:?}");
        let text_utc = if has_offset { text.replace('Z', "+00:00") } else { text.to_owned() };
        let parsed = jiff::fmt::strtime::parse(&format, &text_utc).map_err(|_| bad())?;
        let at = if has_offset {
            parsed.to_timestamp().map_err(|_| bad())?
        } else {
            let midnight = jiff::civil::Time::midnight();
            let date_time =
                parsed.to_datetime().or_else(|_| parsed.to_date().map(|date| date.to_datetime(midnight)));
            date_time.and_then(|dt| dt.to_zoned(TimeZone::UTC)).map_err(|_| bad())?.timestamp()
        };
        Ok(Self::utc(Timestamp(at.as_millisecond())))
    }
}
