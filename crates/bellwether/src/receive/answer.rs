//! What a push came to, in the words of the API.

use std::sync::Arc;

use bellwether_ingest::remote_write::RemoteWriteVersion;
use bellwether_web::view::{WriteRefused, WriteVersion, Written};
use bytes::Bytes;

use super::remote_write::RemoteWriteRefused;
use super::{Received, Receiver};

/// Stores a push of remote write.
pub async fn remote_write(
    receiver: Arc<Receiver>,
    version: WriteVersion,
    body: Bytes,
) -> Result<Written, WriteRefused> {
    let version = match version {
        WriteVersion::One => RemoteWriteVersion::One,
        WriteVersion::Two => RemoteWriteVersion::Two,
    };
    receiver.remote_write(version, body).await.map(written).map_err(|refused| match refused {
        RemoteWriteRefused::Broken(why) => WriteRefused::Broken(why),
        RemoteWriteRefused::Malformed(why) => WriteRefused::Malformed(why),
        RemoteWriteRefused::TooLarge(why) => WriteRefused::TooLarge(why),
        RemoteWriteRefused::Unavailable(why) => WriteRefused::Unavailable(why.to_string()),
    })
}

fn written(received: Received) -> Written {
    let duplicates = received.duplicate_samples + received.duplicate_histograms;
    Written {
        is_duplicate: duplicates > 0 && received.samples + received.histograms == 0,
        // A sender that is not listened to has nothing to mend.
        samples: received.samples + received.duplicate_samples,
        histograms: received.histograms + received.duplicate_histograms,
        exemplars: received.exemplars,
        refused: received.refused.text(),
    }
}
