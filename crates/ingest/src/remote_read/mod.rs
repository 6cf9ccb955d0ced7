//! Prometheus' remote read: what is asked, and what comes back: whole series with their samples, or a stream of frames
//! with chunks as a block has them, which is a fraction of it.

mod request;
mod response;

pub use request::{ReadQuery, write_request};
pub use response::{Frame, FrameError, ReadSeries, next_frame, read_frame, read_samples};
