//! Answers to a sender, in the encoding in which it asked: what was rejected of a request that was taken in, or why it
//! was not taken in at all (`google.rpc.Status`).

use serde_json::{Value, json};

use super::rejected::Rejected;

/// How a request and its answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Encoding {
    /// The encoding that a `Content-Type` names, whatever its parameters.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or("").trim();
        match kind.to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    /// As a `Content-Type` names it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// The codes of `google.rpc.Code` that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusCode {
    /// The request is wrong.
    InvalidArgument = 3,
    /// Too much at once.
    ResourceExhausted = 8,
    /// A way of asking that is not known.
    Unimplemented = 12,
    /// Not now.
    Unavailable = 14,
}

/// `ExportMetricsServiceResponse`: empty where all was taken in; otherwise how many points were not, and why.
pub fn success(encoding: Encoding, rejected: &Rejected) -> Vec<u8> {
    if rejected.is_empty() {
        return match encoding {
            Encoding::Protobuf => Vec::new(),
            Encoding::Json => b"{}".to_vec(),
        };
    }
    match encoding {
        Encoding::Protobuf => {
            let mut partial = Vec::new();
            put_varint_field(&mut partial, 1, rejected.points());
            put_bytes_field(&mut partial, 2, rejected.message().as_bytes());
            let mut answer = Vec::new();
            put_bytes_field(&mut answer, 1, &partial);
            answer
        }
        Encoding::Json => {
            // Numbers of 64 bits are texts in JSON.
            let points = rejected.points().to_string();
            let partial = json!({"rejectedDataPoints": points, "errorMessage": rejected.message()});
            bytes_of(&json!({"partialSuccess": partial}))
        }
    }
}

/// `google.rpc.Status`: why nothing was taken in.
pub fn failure(encoding: Encoding, code: StatusCode, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => {
            let mut status = Vec::new();
            put_varint_field(&mut status, 1, code as u64);
            put_bytes_field(&mut status, 2, message.as_bytes());
            status
        }
        Encoding::Json => bytes_of(&json!({"code": code as u64, "message": message})),
    }
}

fn bytes_of(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_varint_field(out: &mut Vec<u8>, number: u64, value: u64) {
    if value != 0 {
        put_varint(out, number << 3);
        put_varint(out, value);
    }
}

fn put_bytes_field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
