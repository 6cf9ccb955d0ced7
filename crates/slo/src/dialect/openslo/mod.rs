//! OpenSLO v1, v1alpha and v2alpha: objectives, and what they refer to in the same document or in others.
//!
//! Source: the specification at <https://github.com/OpenSLO/OpenSLO>. Where it leaves the meaning open, what is read
//! here is written in `docs/dialects.md`.

mod alert;
mod events;
mod object;
mod objective;
mod query;
mod slo;
mod source;
mod window;

use bellwether_diag::{Cx, Diagnostic, Diagnostics, MapReader, Severity, yaml::Node};

use crate::definition::Slo;
use crate::dialect::Documents;

pub(crate) use alert::targets_of;
use object::{Object, ObjectKind};

/// What can be referred to, and by which version's fields.
#[derive(Clone, Copy)]
struct Library<'a> {
    documents: &'a Documents,
    version: object::Version,
}

/// The objectives of a document: of an SLO one for each of its objectives, of anything else none.
pub(super) fn read(node: &Node, documents: &Documents, cx: &mut Cx<'_>) -> Vec<Slo> {
    let Some(object) = Object::read(node, cx) else { return Vec::new() };
    let library = Library { documents, version: object.version };
    if object.kind == ObjectKind::Slo {
        return slo::read(&object, library, cx);
    }
    // Read also when nobody refers to it, so that its mistakes are said; they matter to those who do.
    let mut found = Diagnostics::new();
    part(&object, library, &mut Cx::new(cx.sources, &mut found));
    let doubtful = |problem: Diagnostic| match problem.severity {
        Severity::Error => Diagnostic { severity: Severity::Warning, ..problem },
        Severity::Warning | Severity::Note => problem,
    };
    found.into_iter().for_each(|problem| cx.push(doubtful(problem)));
    Vec::new()
}

/// Reads what objectives are made of.
fn part(object: &Object<'_>, library: Library<'_>, cx: &mut Cx<'_>) {
    match object.kind {
        ObjectKind::Sli => drop(source::indicator(object, library, cx)),
        ObjectKind::AlertPolicy => drop(alert::policy(object, library, cx)),
        ObjectKind::AlertCondition => drop(alert::condition(object, cx)),
        ObjectKind::DataSource => drop(source::data_source(object, cx)),
        ObjectKind::AlertNotificationTarget => alert::target(object, cx),
        ObjectKind::Service => service(object, cx),
        ObjectKind::Slo => {}
    }
}

/// A service is nothing but its name to us.
fn service(object: &Object<'_>, cx: &mut Cx<'_>) {
    if object.spec.is_null() {
        return;
    }
    let Some(mut map) = MapReader::open(object.spec, cx) else { return };
    map.ignore(&["description"]);
    map.finish(cx);
}
