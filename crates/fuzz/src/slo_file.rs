//! Files of objectives in every dialect: read whole, every problem with a place that can be shown, and whatever was read
//! is the same after it was written in our own way and read again.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::export::{Format, write};
use bellwether_slo::{Slo, Strictness, read};

pub(crate) fn reads(bytes: &[u8]) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add_bytes("slo.yaml", bytes.to_vec(), &mut out);
    let slos = read(&sources, &[file], Strictness::Lenient, &mut out);
    let _ = out.render(&sources, Style { color: true });
    if out.has_errors() {
        return;
    }
    for format in [
        Format::OpenSlo,
        Format::Sloth,
        Format::Pyrra,
        Format::GoogleCloud,
        Format::Markdown,
        Format::Grafana,
    ] {
        write(&slos, format);
    }
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let text = write(&slos, Format::Own).text;
    let file = sources.add("written.yaml", text.as_str());
    let again = read(&sources, &[file], Strictness::Strict, &mut out);
    assert!(!out.has_errors(), "{}\n{text}", out.render(&sources, Style { color: false }));
    let canonical = |slos: &[Slo]| slos.iter().map(Slo::canonical).collect::<Vec<_>>();
    assert_eq!(canonical(&again), canonical(&slos), "{text}");
}
