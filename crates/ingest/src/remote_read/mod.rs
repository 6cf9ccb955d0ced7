//! Prometheus' remote read: what is asked, and what comes back: whole series with their samples, or a stream of frames
//! with chunks as a block has them, which is a fraction of it. Both sides are here: what an import asks and reads, and the frames that are sent.

mod frames;
mod request;
mod response;

pub use frames::write_frames;
pub use request::{ReadQuery, write_request};
pub use response::{Frame, FrameError, ReadSeries, next_frame, read_frame, read_samples};
