//! Serves the pages with sample data, to look at them: `cargo run -p bellwether-web --example preview -- burning`.
//! The other moods are `busy`, which shows everything that routing has, `paged`, `healthy`, `empty` and `stale`.

#[path = "../tests/it/fake.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod fake;
#[path = "../tests/it/fake_routing.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod fake_routing;

use fake::{Fake, Mood};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let mood = match words.next().as_deref() {
        Some("busy") => Mood::Busy,
        Some("paged") => Mood::Paged,
        Some("healthy") => Mood::Healthy,
        Some("empty") => Mood::Empty,
        Some("stale") => Mood::Stale,
        Some(_) | None => Mood::Burning,
    };
    let port = words.next().unwrap_or_else(|| "8099".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, bellwether_web::router(Fake::new(mood))).await
}
