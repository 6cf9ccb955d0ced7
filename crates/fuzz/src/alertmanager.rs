//! Routing files of Alertmanager: read whole, shown with their secrets hidden.

use bellwether_alerts::Config;
use bellwether_diag::{Diagnostics, Sources, Style};

pub(crate) fn reads(bytes: &[u8]) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add_bytes("alertmanager.yml", bytes.to_vec(), &mut out);
    if let Some(config) = Config::read(&sources, file, &mut out) {
        let shown = config.redacted_text(&sources, file);
        assert!(!shown.contains("hunter2"), "a secret is not shown");
        for id in config.integrations() {
            assert!(config.integration(&id).is_some(), "{id:?} is there");
        }
    } else {
        assert!(out.has_errors(), "a refusal has a reason");
    }
    let _ = out.render(&sources, Style { color: false });
}
