//! OTLP metrics: read, translated, added up, answered.

mod answer;
mod decode;
mod delta;
mod translate;
mod translations;
