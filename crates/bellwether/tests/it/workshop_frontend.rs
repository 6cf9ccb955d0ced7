//! Challenge 7: half of the page loads point at a wrong backend. Every backend metric stays healthy; a probe sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether::config::{self, Config};
use bellwether::probe::series::ProbeSeries;
use bellwether::probe::{Attempt, Check, Outcome, Reason};
use bellwether::workshop::frontend::{self, Frontend, Instance, WRONG_BACKEND};
use bellwether_model::{Batch, Labels, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{EngineSettings, Event, SloEngine, SloStatus};
use tokio::net::TcpListener;

const BACKEND: &str = "http://127.0.0.1:9998";

fn config(frontend: &str) -> Config {
    let text = format!(
        "probes:\n  - name: frontend\n    interval: 15s\n    timeout: 5s\n    http: {{}}\n    targets:\n      \
         - {{target: '{frontend}/v1', labels: {{instance: v1}}}}\n      \
         - {{target: '{frontend}/v2', labels: {{instance: v2}}}}\n    expect:\n      \
         body_contains: 'name=\"backend\" content=\"{BACKEND}\"'\n\
         slos:\n  - name: page-loads\n    goal: 99%\n    window: 1d\n    indicator: {{probe: frontend}}\n    \
         group_by: [instance]\n    alerts: [{{name: 10x, long: 5m, factor: 10, severity: page}}]\n"
    );
    let loaded = config::load_text("test.yml", &text);
    let problems = loaded.all_problems().render(&loaded.sources, bellwether_diag::Style { color: false });
    loaded.config.unwrap_or_else(|| panic!("{problems}"))
}

/// Both instances as the probe meets them, and the objective, in virtual time.
struct World {
    frontend: Frontend,
    config: Config,
    engine: SloEngine,
    series: Vec<ProbeSeries>,
    names: BTreeMap<Labels, SeriesId>,
}

impl World {
    fn new() -> Self {
        let config = config("http://frontend");
        let engine = SloEngine::new(config.slos.clone(), EngineSettings::default());
        let series = config.probes[0]
            .targets
            .iter()
            .map(|target| ProbeSeries::new(target.labels.clone(), config.probes[0].interval))
            .collect();
        Self { frontend: Frontend::new(BACKEND), config, engine, series, names: BTreeMap::new() }
    }

    /// Makes a batch of each target and gives it to the objective.
    fn step(
        &mut self,
        at: Timestamp,
        mut make: impl FnMut(
            &mut ProbeSeries,
            Option<Instance>,
            &mut dyn FnMut(&Labels) -> Result<SeriesId, String>,
        ) -> Batch,
    ) {
        for (index, instance) in [Instance::V1, Instance::V2].into_iter().enumerate() {
            let (names, mut born) = (&mut self.names, Vec::new());
            let mut resolve = |labels: &Labels| {
                let next = SeriesId(names.len() as u32);
                Ok(*names.entry(labels.clone()).or_insert_with(|| {
                    born.push((next, labels.clone()));
                    next
                }))
            };
            let batch = make(&mut self.series[index], Some(instance), &mut resolve);
            for (id, labels) in &born {
                self.engine.step(Event::SeriesBorn { id: *id, labels }, at);
            }
            self.engine.step(Event::Batch(&batch), at);
        }
    }

    fn probe(&mut self, at: Timestamp) {
        let ask = self.config.probes[0].ask.clone();
        let pages = [self.frontend.page(Some(Instance::V1)), self.frontend.page(Some(Instance::V2))];
        self.step(at, |series, instance, resolve| {
            let page = &pages[instance.map_or(0, |instance| instance as usize)];
            let is_right = page.contains(&format!("name=\"backend\" content=\"{BACKEND}\""));
            let check = Check::of("the right backend", "", (!is_right).then_some(Reason::Content));
            series.take(at, &ask, &Attempt { checks: vec![check], ..Attempt::default() }, resolve).unwrap()
        });
    }

    fn status(&self, at: Timestamp) -> SloStatus {
        self.engine.status(at).remove(0)
    }
}

#[test]
fn a_wrong_backend_behind_half_of_the_pages_fires_after_75_seconds() {
    let mut world = World::new();
    let broken = TimeDelta::from_secs(600);
    world.step(Timestamp(0), |series, _, resolve| series.begin(Timestamp(0), resolve).unwrap());
    let mut fired = None;
    for round in 1..=80 {
        let at = Timestamp(0) + TimeDelta::from_secs(15 * round);
        if at == Timestamp(0) + broken + TimeDelta::from_secs(15) {
            world.frontend.deploy(Instance::V2, WRONG_BACKEND);
        }
        world.probe(at);
        let status = world.status(at);
        if status.streams[0].alerts[0].since.is_some() {
            fired.get_or_insert((at - Timestamp(0) - broken).0 / 1000);
        }
    }
    // Of forty page loads in five minutes more than four must be broken: the fifth comes at the fifth round.
    assert_eq!(fired, Some(75));
    let status = world.status(Timestamp(0) + TimeDelta::from_secs(1200));
    let burn = |stream: usize| status.streams[stream].alerts[0].burn_rate_long.unwrap();
    assert!((burn(0) - 50.0).abs() < 1e-9, "{}", burn(0));
    let of = |instance: &str| {
        let is_it = |stream: &&bellwether_slo::StreamStatus| stream.labels.get("instance") == Some(instance);
        let stream = status.streams.iter().find(is_it).unwrap();
        stream.alerts[0].burn_rate_long.unwrap()
    };
    assert_eq!((of("v1"), of("v2")), (0.0, 100.0), "v1 is whole, every page of v2 is broken");
}

#[tokio::test]
async fn a_real_probe_sees_which_instance_is_broken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let deployed = Arc::new(Frontend::new(BACKEND));
    tokio::spawn(frontend::serve(listener, deployed, std::future::pending()));
    let probe = config(&address).probes.remove(0);
    let failed = async || {
        let mut failed = Vec::new();
        for target in &probe.targets {
            let Outcome::Tried(attempt) = bellwether::probe::run(&probe, target).await else { panic!() };
            failed.push(attempt.reason());
        }
        failed
    };
    assert_eq!(failed().await, [None, None]);
    bellwether::install_tls();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let deploy = client.post(format!("{address}/v2/backend")).body(WRONG_BACKEND).send().await.unwrap();
    assert_eq!(deploy.status(), 200);
    assert_eq!(failed().await, [None, Some(Reason::Content)]);
    let mut wrong = 0;
    for _ in 0..40 {
        let page = client.get(format!("{address}/")).send().await.unwrap().text().await.unwrap();
        wrong += u32::from(page.contains(WRONG_BACKEND));
    }
    assert_eq!(wrong, 20, "every other page load");
    let nonsense = client.post(format!("{address}/v2/backend")).body("x").send().await.unwrap();
    assert_eq!(nonsense.status(), 400);
}
