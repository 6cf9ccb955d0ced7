//! The interface of Google Cloud Monitoring for services and their objectives, as far as its documentation has people
//! write `curl` lines for it. What is made here is watched at once and is there after a restart.

mod body;
mod resource;

use std::collections::BTreeMap;

use axum::extract::rejection::StringRejection;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::{Map, Value, json};

use crate::app::GoogleResources;
use crate::view::Refused;
use crate::{Shared, guard};

use resource::{Name, new_id};

pub(crate) fn routes() -> Router<Shared> {
    let services = "/v3/projects/{project}/services";
    let service = format!("{services}/{{service}}");
    let objectives = format!("{service}/serviceLevelObjectives");
    let objective = format!("{objectives}/{{objective}}");
    Router::new()
        .route(services, get(list).post(create))
        .route(&service, get(one).delete(delete))
        .route(&objectives, get(list).post(create))
        .route(&objective, get(one).patch(patch).delete(delete))
        .method_not_allowed_fallback(not_so)
        .route_layer(middleware::from_fn(guard::same_site_only))
}

type Parts = Path<BTreeMap<String, String>>;
type Asked = Query<BTreeMap<String, String>>;
type Body = Result<String, StringRejection>;

/// The body, unless it is too long or no text.
fn read(body: Body) -> Result<String, Refused> {
    body.map_err(|refused| match refused.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refused::Invalid("the body is longer than 2 MiB".to_owned()),
        _ => Refused::Invalid(format!("body: {}; save it as UTF-8", refused.body_text())),
    })
}

/// What these paths cannot do is said in Google's shape, too.
async fn not_so(method: Method, uri: Uri) -> Response {
    let known = "GET, POST to lists, PATCH and DELETE of one";
    let message = format!("{method} does nothing at {}; there are {known}", uri.path());
    error(StatusCode::METHOD_NOT_ALLOWED, "UNIMPLEMENTED", &message)
}

async fn list(State(app): State<Shared>, Path(parts): Parts) -> Response {
    answer(async {
        let resources = resources(&app)?;
        let parent = Name::parent_of(&parts);
        let all = resources.all();
        if let Some(service) = parent.service().filter(|service| !all.contains_key(*service)) {
            return Err(not_found(service));
        }
        let prefix = format!("{}/", parent.collection());
        let items =
            all.iter().filter(|(name, _)| name.strip_prefix(&prefix).is_some_and(|id| !id.contains('/')));
        let items: Vec<Value> = items.map(|(name, body)| named(name, body.clone())).collect();
        Ok(json!({ parent.collection_name(): items }))
    })
    .await
}

async fn one(State(app): State<Shared>, Path(parts): Parts) -> Response {
    answer(async {
        let name = Name::of(&parts).to_string();
        let body = resources(&app)?.all().remove(&name).ok_or_else(|| not_found(&name))?;
        Ok(named(&name, body))
    })
    .await
}

async fn create(State(app): State<Shared>, Path(parts): Parts, Query(asked): Asked, text: Body) -> Response {
    answer(async {
        let text = read(text)?;
        let resources = resources(&app)?;
        let _one = resources.one_change().lock().await;
        let parent = Name::parent_of(&parts);
        let body = body::object(&text).map_err(Refused::Invalid)?;
        let all = resources.all();
        if let Some(service) = parent.service().filter(|service| !all.contains_key(*service)) {
            return Err(not_found(service));
        }
        let taken = |id: &str| all.contains_key(&format!("{}/{id}", parent.collection()));
        let id = new_id(&parent, &asked, &body, taken)?;
        let name = format!("{}/{id}", parent.collection());
        if all.contains_key(&name) {
            return Err(Refused::Conflict(format!("{name} is there already; delete it first, or PATCH it")));
        }
        match parent.service() {
            // The text itself, so that mistakes are said where they stand in it.
            Some(_) => resources.put_objective(name.clone(), text.clone()).await?,
            None => {
                body::is_service(&body).map_err(Refused::Invalid)?;
                resources.put_service(name.clone(), text.clone()).await?;
            }
        }
        Ok(named(&name, Value::Object(body)))
    })
    .await
}

async fn patch(State(app): State<Shared>, Path(parts): Parts, Query(asked): Asked, text: Body) -> Response {
    answer(async {
        let text = read(text)?;
        let resources = resources(&app)?;
        let _one = resources.one_change().lock().await;
        let name = Name::of(&parts).to_string();
        let changes = body::object(&text).map_err(Refused::Invalid)?;
        let Some(Value::Object(old)) = resources.all().remove(&name) else { return Err(not_found(&name)) };
        let mask = asked.get("updateMask").or_else(|| asked.get("update_mask"));
        let merged = body::patched(old, changes, mask.map(String::as_str)).map_err(Refused::Invalid)?;
        let merged = Value::Object(merged);
        let text = serde_json::to_string_pretty(&merged).unwrap_or_default();
        resources.put_objective(name.clone(), text).await?;
        Ok(named(&name, merged))
    })
    .await
}

async fn delete(State(app): State<Shared>, Path(parts): Parts) -> Response {
    answer(async {
        let resources = resources(&app)?;
        let _one = resources.one_change().lock().await;
        let name = Name::of(&parts).to_string();
        let below = format!("{name}/");
        let all = resources.all();
        if !all.contains_key(&name) {
            return Err(not_found(&name));
        }
        // A service goes with its objectives.
        let names = all.into_keys().filter(|other| *other == name || other.starts_with(&below)).collect();
        resources.delete(names).await?;
        Ok(Value::Object(Map::new()))
    })
    .await
}

fn resources(app: &Shared) -> Result<&dyn GoogleResources, Refused> {
    app.google().ok_or_else(|| Refused::NotFound("this process keeps no objectives of others".to_owned()))
}

fn not_found(name: &str) -> Refused {
    Refused::NotFound(format!("{name} does not exist; make it with {} first", Method::POST))
}

/// A resource with its name, whatever name was sent.
fn named(name: &str, body: Value) -> Value {
    let Value::Object(body) = body else { return body };
    let name = ("name".to_owned(), Value::from(name));
    let rest = body.into_iter().filter(|(key, _)| key != "name");
    Value::Object(std::iter::once(name).chain(rest).collect())
}

async fn answer(work: impl Future<Output = Result<Value, Refused>>) -> Response {
    let refused = match work.await {
        Ok(value) => return Json(value).into_response(),
        Err(refused) => refused,
    };
    let (code, status) = match refused {
        Refused::Invalid(_) => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
        Refused::NotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Refused::Conflict(_) => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
        Refused::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    };
    error(code, status, refused.message())
}

/// An error in Google's shape.
pub(crate) fn error(code: StatusCode, status: &str, message: &str) -> Response {
    let error = json!({ "code": code.as_u16(), "message": message, "status": status });
    (code, Json(json!({ "error": error }))).into_response()
}
