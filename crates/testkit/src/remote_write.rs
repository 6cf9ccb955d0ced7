//! Bodies of remote write, right ones and wrong ones: a message is written field by field, in any order, and packed.

/// A protobuf message in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

impl Message {
    /// A number.
    #[must_use]
    pub fn number(mut self, field: u32, number: u64) -> Self {
        self.varint(u64::from(field) << 3);
        self.varint(number);
        self
    }

    /// A signed number as `sint` writes it.
    #[must_use]
    pub fn signed(self, field: u32, number: i64) -> Self {
        self.number(field, (number << 1 ^ number >> 63) as u64)
    }

    /// Eight bytes.
    #[must_use]
    pub fn double(mut self, field: u32, number: f64) -> Self {
        self.varint(u64::from(field) << 3 | 1);
        self.0.extend_from_slice(&number.to_bits().to_le_bytes());
        self
    }

    /// Bytes, a text or another message.
    #[must_use]
    pub fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// Numbers packed into one field.
    #[must_use]
    pub fn packed(self, field: u32, numbers: &[u64]) -> Self {
        let mut packed = Self::default();
        numbers.iter().for_each(|number| packed.varint(*number));
        self.bytes(field, &packed.0)
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

/// A series as a test writes it.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Its pairs in the order they are written, of any bytes.
    pub pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Moments in milliseconds, and values.
    pub samples: Vec<(i64, f64)>,
    /// Messages of histograms.
    pub histograms: Vec<Message>,
    /// Since when it counts; the second message only.
    pub since: Option<i64>,
}

impl Series {
    /// With pairs and samples.
    pub fn new(pairs: &[(&str, &str)], samples: &[(i64, f64)]) -> Self {
        let pairs = pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Self { pairs: pairs.collect(), samples: samples.to_vec(), ..Self::default() }
    }
}

/// A message of a number at a moment.
pub fn sample(at: i64, value: f64) -> Message {
    Message::default().double(1, value).number(2, at as u64)
}

/// `prometheus.WriteRequest`.
pub fn one(series: &[Series]) -> Vec<u8> {
    let mut request = Message::default();
    for series in series {
        let mut message = Message::default();
        for (name, value) in &series.pairs {
            message = message.bytes(1, &Message::default().bytes(1, name).bytes(2, value).0);
        }
        for (at, value) in &series.samples {
            message = message.bytes(2, &sample(*at, *value).0);
        }
        for histogram in &series.histograms {
            message = message.bytes(4, &histogram.0);
        }
        request = request.bytes(1, &message.0);
    }
    request.0
}

/// `io.prometheus.write.v2.Request`; metadata is what `said` gives for a series: kind, help, unit.
pub fn two(series: &[Series], said: Option<(u64, &str, &str)>) -> Vec<u8> {
    let mut symbols: Vec<Vec<u8>> = vec![Vec::new()];
    let mut symbol = |bytes: &[u8]| -> u64 {
        let known = symbols.iter().position(|symbol| symbol == bytes);
        let place = known.unwrap_or_else(|| {
            symbols.push(bytes.to_vec());
            symbols.len() - 1
        });
        place as u64
    };
    let mut messages = Vec::new();
    for series in series {
        let references: Vec<u64> =
            series.pairs.iter().flat_map(|(name, value)| [symbol(name), symbol(value)]).collect();
        let mut message = Message::default().packed(1, &references);
        for (at, value) in &series.samples {
            message = message.bytes(2, &sample(*at, *value).0);
        }
        for histogram in &series.histograms {
            message = message.bytes(3, &histogram.0);
        }
        if let Some((kind, help, unit)) = said {
            let (help, unit) = (symbol(help.as_bytes()), symbol(unit.as_bytes()));
            let metadata = Message::default().number(1, kind).number(3, help).number(4, unit);
            message = message.bytes(5, &metadata.0);
        }
        if let Some(since) = series.since {
            message = message.number(6, since as u64);
        }
        messages.push(message);
    }
    let table = symbols.iter().fold(Message::default(), |request, symbol| request.bytes(4, symbol));
    messages.iter().fold(table, |request, message| request.bytes(5, &message.0)).0
}

/// A histogram with whole counts: two buckets from number 1 on, and one beside zero.
pub fn whole_histogram(at: i64, observations: u64) -> Message {
    let span = Message::default().signed(1, 1).number(2, 2);
    Message::default()
        .number(1, observations)
        .double(3, observations as f64 * 1.5)
        .signed(4, 3)
        .double(5, 0.001)
        .number(6, observations - 2)
        .bytes(11, &span.0)
        .packed(12, &[2, 0])
        .number(15, at as u64)
}
