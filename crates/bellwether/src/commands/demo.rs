//! `bellwether demo`: a real service, real traffic, and Bellwether watching it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Labels;
use bellwether_tsdb::{Options, RealDisk, Store};
use tokio::net::TcpListener;

use crate::cli::Demo;
use crate::demo::past::{self, Past};
use crate::demo::receiver::{self, Inbox};
use crate::demo::{Switches, config_text};
use crate::failure::Failure;
use crate::listen::listen;
use crate::output::say;
use crate::reload::ConfigSource;
use crate::server::{Server, Start};
use crate::workshop::{LoadOptions, LoadStats, MockState, MovieGuru, Phase, Sampler, System, http, load};
use crate::{clock, terminal};

/// How long the greeting waits for the first scrape, so that whoever opens the page sees data.
const FIRST_DATA_MAX: Duration = Duration::from_secs(10);

/// Starts everything and runs until told to stop.
pub async fn run(arguments: Demo) -> Result<(), Failure> {
    crate::install_tls();
    crate::log::to_stderr("warn");
    let listener = listen(&arguments.listen, "--listen").await?;
    let mock_listener = listen(&arguments.mock_listen, "--mock-listen").await?;
    let receiver_listener = listen(&arguments.receiver_listen, "--receiver-listen").await?;
    let [page, mock, receiver] =
        [address(&listener)?, address(&mock_listener)?, address(&receiver_listener)?];
    let data = DataFolder::of(arguments.data)?;

    let state = Arc::new(service(&data.path, &mock, arguments.users).await?);
    spawn(http::serve(mock_listener, state.clone(), std::future::pending()), "the service");
    spawn(receiver::serve(receiver_listener, Inbox::default()), "the receiver");
    let config = ConfigSource::Text { name: "demo".to_owned(), text: config_text(&mock, &receiver) };
    let demo = Arc::new(Switches::new(state));
    let start = Start {
        config,
        data: data.path.clone(),
        state: None,
        listener,
        alertmanager_listener: None,
        demo: Some(demo),
        admin_api: false,
        queries: Default::default(),
    };
    let server = Server::start(start).await?;
    spawn_users(&mock, arguments.users);
    server.first_data(FIRST_DATA_MAX).await;
    say(&format!(
        "\n  Open      http://{page}\n  Break it  buttons on that page, or POST the workshop's bodies to http://{mock}/phase\n  \
         Messages  http://{receiver}/messages\n\n  {} users use Movie Guru; a day of healthy history lies behind them.\n  \
         An alert waits 5 s for others of its group (group_wait) before it is sent. Stop with Ctrl-C.\n",
        arguments.users
    ));
    let result = server.run().await;
    data.remove();
    result
}

fn address(listener: &TcpListener) -> Result<String, Failure> {
    listener
        .local_addr()
        .map(|address| address.to_string())
        .map_err(|error| Failure::failed(error.to_string()))
}

fn spawn(task: impl Future<Output = std::io::Result<()>> + Send + 'static, what: &'static str) {
    tokio::spawn(async move {
        if let Err(error) = task.await {
            eprintln!("bellwether: {what} of the demonstration stopped: {error}");
        }
    });
}

fn spawn_users(mock: &str, users: u32) {
    let options = LoadOptions {
        system: System::S002,
        target: format!("http://{mock}"),
        users,
        spawn_rate_per_s: f64::from(users.max(1)),
        run_time: None,
        seed: crate::entropy::seed(),
        logins: Arc::default(),
    };
    tokio::spawn(async move {
        let stats = Arc::new(LoadStats::default());
        if let Err(error) = load::run(options, stats, std::future::pending()).await {
            eprintln!("bellwether: the users of the demonstration cannot start: {error}");
        }
    });
}

/// Where the demonstration keeps its data.
struct DataFolder {
    path: PathBuf,
    is_temporary: bool,
}

impl DataFolder {
    fn of(chosen: Option<PathBuf>) -> Result<Self, Failure> {
        let is_temporary = chosen.is_none();
        let path = chosen
            .unwrap_or_else(|| std::env::temp_dir().join(format!("bellwether-demo-{}", std::process::id())));
        std::fs::create_dir_all(&path)
            .map_err(|error| Failure::failed(format!("cannot use the folder {}: {error}", path.display())))?;
        Ok(Self { path, is_temporary })
    }

    fn remove(self) {
        if self.is_temporary {
            let _ = std::fs::remove_dir_all(self.path);
        }
    }
}

/// The service, with a day of history behind it unless the folder holds one already.
async fn service(data: &Path, mock: &str, users: u32) -> Result<MockState, Failure> {
    let (folder, target) =
        (data.join("metrics"), Labels::from_pairs([("job", "movie-guru"), ("instance", mock)]));
    let work = tokio::task::spawn_blocking(move || -> Result<(MovieGuru, Sampler), String> {
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let (store, _) = Store::open(&folder, Options::default(), Arc::new(RealDisk))
            .map_err(|error| error.to_string())?;
        if store.stats().series > 0 {
            let sampler = Sampler::random(crate::entropy::seed());
            return Ok((MovieGuru::new(Phase::demo_start()), sampler));
        }
        let bar = terminal::bar("writing a day of history {bar:40} {percent}%");
        past::write(&store, &Past { target: &target, users, now: clock::now() }, &bar)
    });
    let (guru, sampler) =
        work.await.map_err(|error| Failure::failed(error.to_string()))?.map_err(Failure::failed)?;
    Ok(MockState::new(guru, sampler))
}
