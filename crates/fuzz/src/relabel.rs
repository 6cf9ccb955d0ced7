//! Relabelling: rules are read whole with every problem named, and what is accepted can be applied to any labels.

use bellwether_diag::{Cx, Diagnostics, Sources, Style, yaml};
use bellwether_ingest::relabel::{NameScheme, Relabelling};
use bellwether_model::{Labels, LabelsBuilder};

pub(crate) fn applies(bytes: &[u8]) {
    for names in [NameScheme::Utf8, NameScheme::Legacy] {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add_bytes("relabel.yml", bytes.to_vec(), &mut out);
        let documents = yaml::parse(&sources, file, &mut out);
        let rules = documents
            .first()
            .and_then(|node| Relabelling::decode(node, names, &mut Cx::new(&sources, &mut out)));
        assert!(rules.is_some() || out.has_errors() || documents.is_empty(), "a refusal has a reason");
        let _ = out.render(&sources, Style { color: true });
        let Some(rules) = rules.filter(|_| !out.has_errors()) else { continue };
        for pairs in [
            &[("__address__", "host:80"), ("job", "node"), ("a", "x-y"), ("é", "世")][..],
            &[("__name__", "http_requests_total"), ("code", "200")],
            &[],
        ] {
            let mut labels = LabelsBuilder::from(&Labels::from_pairs(pairs.iter().copied()));
            let _ = rules.apply(&mut labels);
            let _ = labels.build();
        }
    }
}
