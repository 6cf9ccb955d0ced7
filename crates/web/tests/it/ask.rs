//! Asks the router as a client would.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt;

use crate::fake::{Fake, Mood};

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

pub(crate) async fn send(app: &Arc<Fake>, request: Request<Body>) -> Answer {
    let response = bellwether_web::router(app.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, bytes: to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec() }
}

pub(crate) async fn get(mood: Mood, path: &str) -> Answer {
    send(&Fake::new(mood), Request::get(path).body(Body::empty()).unwrap()).await
}

/// Posts a form with one more header.
pub(crate) async fn post(app: &Arc<Fake>, path: &str, header: (&str, &str), form: &str) -> Answer {
    let request = Request::post(path)
        .header("host", "bellwether.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .header(header.0, header.1);
    send(app, request.body(Body::from(form.to_owned())).unwrap()).await
}
