//! Remote write, first version: what senders do. Bodies are made once in this process, so that what a server spends
//! on them is all that is measured.

use bellwether_model::Labels;

use crate::http::Client;

const HEADERS: &str = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
                       X-Prometheus-Remote-Write-Version: 0.1.0\r\n";

/// The part of a series' message that says its labels.
pub fn series_prefix(labels: &Labels) -> Vec<u8> {
    let mut one = Vec::new();
    for (name, value) in labels.iter() {
        let mut label = Vec::new();
        put_bytes(&mut label, 1, name.as_bytes());
        put_bytes(&mut label, 2, value.as_bytes());
        put_bytes(&mut one, 1, &label);
    }
    one
}

/// A request under construction.
#[derive(Default)]
pub struct Request {
    message: Vec<u8>,
    one: Vec<u8>,
}

impl Request {
    /// Adds a series with samples (milliseconds, value).
    pub fn series(&mut self, prefix: &[u8], samples: &[(i64, f64)]) {
        self.one.clear();
        self.one.extend_from_slice(prefix);
        for (at, value) in samples {
            let mut entry = Vec::with_capacity(20);
            put_varint(&mut entry, 1 << 3 | 1);
            entry.extend_from_slice(&value.to_bits().to_le_bytes());
            put_varint(&mut entry, 2 << 3);
            put_varint(&mut entry, *at as u64);
            put_bytes(&mut self.one, 2, &entry);
        }
        put_bytes(&mut self.message, 1, &self.one);
    }

    /// Sends what there is, compressed as senders do, and begins anew.
    pub fn send(&mut self, path: &str, client: &mut Client) -> Result<(), String> {
        let compressed =
            snap::raw::Encoder::new().compress_vec(&self.message).map_err(|error| error.to_string())?;
        self.message.clear();
        let reply = client.send("POST", path, HEADERS, &compressed)?;
        match reply.status {
            200..300 => Ok(()),
            status => Err(format!("answered {status}: {}", String::from_utf8_lossy(&reply.body))),
        }
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
