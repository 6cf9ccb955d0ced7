//! Everything a real run takes, on free ports of this machine: the services, their users, receivers, a folder with the
//! configuration made to fit, and the server as a process of its own. All of it is gone with the value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::definition::{ServiceDefinition, ServiceKind};
use super::load::Place;
use super::model::Scenario;
use super::real::Real;
use crate::clock;
use crate::config::folder_of;
use crate::demo::mail_sink;
use crate::demo::receiver::{self, Inbox};
use crate::workshop::mock::{self, Mock};
use crate::workshop::{
    Frontend, LoadControl, LoadOptions, MockState, MovieGuru, Sampler, System, frontend, http, load_page,
};

/// The server has to open its store and to listen.
const READY_MAX: Duration = Duration::from_secs(30);
/// Files of a configuration.
const FILES_MAX: usize = 500;
const FILE_BYTES_MAX: u64 = 1 << 20;
const DEPTH_MAX: usize = 6;

/// Everything at work.
#[derive(Debug)]
pub struct Stage {
    /// The services, Movie Guru aside.
    pub mock: Arc<Mock>,
    /// Movie Guru, by the name of its service.
    pub guru: Option<(String, Arc<MockState>)>,
    /// What receivers took.
    pub inbox: Inbox,
    /// The server's address.
    pub server: String,
    /// Every address by its name.
    pub addresses: BTreeMap<String, String>,
    process: Child,
    folder: Folder,
    tasks: tokio::task::JoinSet<std::io::Result<()>>,
}

/// A folder that is removed with the value.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn port() -> Result<(TcpListener, String), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| format!("no port is free: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok((listener, address.to_string()))
}

impl Stage {
    /// Starts everything.
    pub async fn open(scenario: &Scenario, real: &Real, place: &Place) -> Result<Self, String> {
        let system = System::named(&scenario.name);
        let mut addresses = BTreeMap::new();
        let mut tasks = tokio::task::JoinSet::new();

        let is_guru = |service: &&ServiceDefinition| matches!(service.kind, ServiceKind::MovieGuru(_));
        let others: Vec<ServiceDefinition> =
            scenario.services.iter().filter(|service| !is_guru(service)).cloned().collect();
        let answered = system.map_or(&[][..], System::answered);
        let mock = Arc::new(Mock::new(&others, answered, clock::now(), crate::entropy::seed()));
        let mut listeners = Vec::new();
        for service in &others {
            for (number, _) in service.instances.iter().enumerate() {
                let (listener, address) = port().await?;
                let name =
                    if number == 0 { service.name.clone() } else { format!("{}-{number}", service.name) };
                addresses.insert(name, address);
                listeners.push(listener);
            }
        }
        tasks.spawn(mock::serve(listeners, Arc::clone(&mock), std::future::pending()));

        let mut guru = None;
        if let Some(service) = scenario.services.iter().find(is_guru)
            && let ServiceKind::MovieGuru(definition) = &service.kind
        {
            let (listener, address) = port().await?;
            let sampler = Sampler::random(crate::entropy::seed());
            let state = Arc::new(MockState::new(MovieGuru::new(definition.phase.clone()), sampler));
            tasks.spawn(http::serve(listener, Arc::clone(&state), std::future::pending()));
            let (listener, front) = port().await?;
            let pages = Arc::new(Frontend::new(&format!("http://{address}")));
            tasks.spawn(frontend::serve(listener, pages, std::future::pending()));
            addresses.insert("frontend".to_owned(), front);
            addresses.insert(service.name.clone(), address);
            guru = Some((service.name.clone(), state));
        }

        let inbox = Inbox::default();
        let (listener, address) = port().await?;
        addresses.insert("receiver".to_owned(), address);
        tasks.spawn(receiver::serve(listener, inbox.clone()));
        let (listener, address) = port().await?;
        addresses.insert("mail".to_owned(), address);
        tasks.spawn(mail_sink::serve(listener, inbox.clone()));

        if let Some(system) = system.filter(|_| real.users > 0) {
            let first = scenario.services.first().and_then(|service| addresses.get(&service.name));
            let target = first.ok_or("there is no service to call")?;
            let (listener, address) = port().await?;
            tasks.spawn(users(system, target, real.users, listener)?);
            addresses.insert("load".to_owned(), address);
        }

        let folder = Folder(std::env::temp_dir().join(format!(
            "bellwether-real-{}-{}",
            scenario.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            std::process::id()
        )));
        let config = real.config.as_deref().or_else(|| scenario.config_file());
        let config = config.ok_or("a real run needs config: FILE, a bellwether.yml")?;
        write(&folder.0, place, &filled(&real.replace, &addresses))?;
        let (process, server) = serve(&folder.0, config).await?;
        Ok(Self { mock, guru, inbox, server, addresses, process, folder, tasks })
    }

    /// Ends the server, and says when it had ended by itself before.
    pub async fn close(mut self) -> Result<(), String> {
        let early = self.process.try_wait().map_err(|error| error.to_string())?;
        let log = tail(&self.folder.0);
        let _ = self.process.kill().await;
        self.tasks.shutdown().await;
        match early {
            Some(status) => Err(format!("the server ended: {status}\n{log}")),
            None => Ok(()),
        }
    }
}

fn users(
    system: System,
    target: &str,
    users: u32,
    listener: TcpListener,
) -> Result<impl Future<Output = std::io::Result<()>> + Send + 'static + use<>, String> {
    let control = Arc::new(LoadControl::new(LoadOptions {
        system,
        target: format!("http://{target}"),
        users,
        spawn_rate_per_s: f64::from(users) * 2.0,
        run_time: None,
        seed: crate::entropy::seed(),
        logins: Arc::default(),
    }));
    let form = control.shown().form;
    control.start(form).map_err(|wrong| {
        let lines: Vec<String> = wrong.into_iter().map(|(_, why)| why).collect();
        lines.join("; ")
    })?;
    Ok(load_page::serve(listener, control, std::future::pending()))
}

/// The replacements with addresses in place of their names.
fn filled(replace: &[(String, String)], addresses: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let fill = |(from, to): &(String, String)| {
        let mut text = to.clone();
        for (name, address) in addresses {
            text = text.replace(&format!("{{{name}}}"), address);
        }
        (from.clone(), text)
    };
    replace.iter().map(fill).collect()
}

/// Writes the files around a scenario with replacements. One that is found nowhere is a mistake.
fn write(folder: &Path, place: &Place, replace: &[(String, String)]) -> Result<(), String> {
    let home = folder_of(&place.file);
    let files = match place.texts.is_empty() {
        true => {
            let mut files = Vec::new();
            // A file without a folder lies in this one.
            let home = if home.as_os_str().is_empty() { PathBuf::from(".") } else { home };
            gather(&home, &home, DEPTH_MAX, &mut files)?;
            files
        }
        false => place
            .texts
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix(&home).ok()?.to_owned(), (*text).to_owned())))
            .collect(),
    };
    let mut found = vec![false; replace.len()];
    for (path, mut text) in files {
        // The scenario names what is to be replaced, and is not read by the server.
        if place.file.file_name() != Some(path.as_os_str()) {
            for ((from, to), found) in replace.iter().zip(&mut found) {
                *found |= text.contains(from.as_str());
                text = text.replace(from.as_str(), to);
            }
        }
        let path = folder.join(path);
        let written = std::fs::create_dir_all(folder_of(&path)).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    match replace.iter().zip(&found).find(|(_, found)| !**found) {
        Some(((from, _), _)) => {
            Err(format!("no file of the configuration has {from:?}, which is to be replaced"))
        }
        None => Ok(()),
    }
}

/// Text files in a folder and below.
fn gather(
    home: &Path,
    folder: &Path,
    depth: usize,
    files: &mut Vec<(PathBuf, String)>,
) -> Result<(), String> {
    let read = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(read)?);
        if kind.is_dir() && depth > 0 {
            gather(home, &path, depth - 1, files)?;
        }
        let is_small = entry.metadata().is_ok_and(|meta| meta.len() <= FILE_BYTES_MAX);
        if kind.is_file()
            && is_small
            && let (Ok(text), Ok(within)) = (std::fs::read_to_string(&path), path.strip_prefix(home))
        {
            files.push((within.to_owned(), text));
        }
        if files.len() > FILES_MAX {
            return Err(format!("{} holds more than {FILES_MAX} files", home.display()));
        }
    }
    Ok(())
}

const LOG: &str = "server.log";

/// The last lines that the server wrote.
fn tail(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// Starts the server and waits until it says where it is.
async fn serve(folder: &Path, config: &str) -> Result<(Child, String), String> {
    let text = |error: std::io::Error| format!("cannot start the server: {error}");
    let log = std::fs::File::create(folder.join(LOG)).map_err(text)?;
    let mut process = Command::new(std::env::current_exe().map_err(text)?)
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(folder.join(config))
        .arg("--data")
        .arg(folder.join("data"))
        .env_remove("BELLWETHER_STATE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .map_err(text)?;
    let stdout = process.stdout.take().ok_or("the server has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let ready = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some((_, address)) = line.split_once("ready on http://") {
                return Some(address.trim().to_owned());
            }
        }
        None
    };
    match tokio::time::timeout(READY_MAX, ready).await {
        Ok(Some(address)) => {
            // Whatever else it says is of no interest, but somebody must take it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            Ok((process, format!("http://{address}")))
        }
        Ok(None) => Err(format!("the server does not start:\n{}", tail(folder))),
        Err(_) => {
            Err(format!("the server was not ready within {} s:\n{}", READY_MAX.as_secs(), tail(folder)))
        }
    }
}
