//! The document that describes the API, held against what is served.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{Method, Request};
use bellwether_testkit::cases;
use serde_json::Value;

use crate::ask::{get, send};
use crate::fake::{Fake, Mood};

/// What the document speaks of; Prometheus' and Google's paths are described elsewhere.
const DESCRIBED: [&str; 5] = ["/api/bellwether/", "/api/v2/", "/api/openapi", "/-/", "/metrics"];

/// Every path that the router knows, as its own description of itself lists them.
fn served() -> BTreeSet<String> {
    let shown = format!("{:?}", bellwether_web::router(Fake::new(Mood::Healthy)));
    let texts = shown.split('"').filter(|text| DESCRIBED.iter().any(|begin| text.starts_with(begin)));
    texts.map(|path| path.replace("{*", "{")).collect()
}

/// The methods that a path takes, asked with one that none takes.
async fn methods(path: &str) -> BTreeSet<String> {
    let path = path.replace(['{', '}'], "");
    let request = Request::builder().method(Method::TRACE).uri(path).body(Body::empty()).unwrap();
    let answer = send(&Fake::new(Mood::Healthy), request).await;
    assert_eq!(answer.status.as_u16(), 405);
    let allowed = answer.headers["allow"].to_str().unwrap().to_lowercase();
    allowed.split(',').map(|method| method.trim().to_owned()).filter(|method| method != "head").collect()
}

#[tokio::test]
async fn the_document_names_every_path_and_method_and_no_other() {
    let answer = get(Mood::Healthy, "/api/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeMap<&str, &Value> =
        document["paths"].as_object().unwrap().iter().map(|(path, item)| (path.as_str(), item)).collect();
    let names: BTreeSet<String> = described.keys().map(|path| (*path).to_owned()).collect();
    let served = served();
    assert!(served.len() > 30, "{served:?}");
    assert_eq!(names, served);
    for (path, item) in &described {
        let operations: BTreeSet<String> = item.as_object().unwrap().keys().cloned().collect();
        assert_eq!(operations, methods(path).await, "{path}");
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            let named = operation["parameters"].as_array().into_iter().flatten();
            let in_path: BTreeSet<&str> =
                named.filter(|one| one["in"] == "path").filter_map(|one| one["name"].as_str()).collect();
            let wanted: BTreeSet<&str> =
                path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
            assert_eq!(in_path, wanted, "{method} {path}");
        }
    }
    cases::ran("openapi", described.len() as u64);
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_schema_is_used() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = get(Mood::Healthy, "/api/openapi.json").await.json();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let there: Vec<String> = schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), there);
}
