//! The real peers for comparison tests and benchmarks: the newest versions Debian offers, unpacked, not installed.
//!
//! A package index of its own under `target/peers` keeps the machine's list of packages as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, run, target_dir};

/// Debian package, the program in it, and the oldest version worth comparing with.
struct Peer {
    package: &'static str,
    program: &'static str,
    major_min: u32,
}

const PEERS: [Peer; 4] = [
    Peer { package: "prometheus", program: "prometheus", major_min: 3 },
    Peer { package: "promtool", program: "promtool", major_min: 3 },
    Peer { package: "prometheus-alertmanager", program: "prometheus-alertmanager", major_min: 0 },
    Peer { package: "victoria-metrics", program: "victoria-metrics", major_min: 1 },
];

/// The suite that carries the newest versions.
const SUITE: &str = "sid";
/// Where the programs lie among what is unpacked.
const PROGRAMS: &str = "root/usr/bin";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Unpacks what is not there yet, prints every version, and gives the folder of the programs.
pub fn unpack() -> Result<PathBuf, String> {
    let home = home();
    let programs = home.join(PROGRAMS);
    if !PEERS.iter().all(|peer| programs.join(peer.program).exists()) {
        download(&home)?;
    }
    for peer in &PEERS {
        println!("{}", version(&home, peer)?);
    }
    Ok(programs)
}

/// A program that is unpacked already; nothing is downloaded.
pub fn unpacked(program: &str) -> Option<PathBuf> {
    let path = home().join(PROGRAMS).join(program);
    path.is_file().then_some(path)
}

/// Debian's Alertmanager reads its templates from where the package would be installed, which it is not here: it is
/// shown a `/usr/share` of its own.
const IN_ITS_PLACE: &str = "mount -t tmpfs none /usr/share && mkdir /usr/share/prometheus && \
                            mount --bind \"$1/share/prometheus\" /usr/share/prometheus && shift && exec \"$@\"";

/// Alertmanager, ready for its arguments.
pub fn alertmanager(programs: &Path) -> Command {
    let programs = programs.canonicalize().unwrap_or_else(|_| programs.to_owned());
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", IN_ITS_PLACE, "sh"]);
    command.arg(programs.parent().unwrap_or(&programs)).arg(programs.join("prometheus-alertmanager"));
    command
}

/// `BELLWETHER_PEERS` names a folder where they are already.
fn home() -> PathBuf {
    std::env::var_os("BELLWETHER_PEERS").map_or_else(|| target_dir().join("peers"), PathBuf::from)
}

fn download(home: &Path) -> Outcome {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err("peers come from Debian's packages, and there is no apt-get here".to_owned());
    }
    for folder in ["state/lists/partial", "cache/archives/partial", "packages", "root"] {
        fs::create_dir_all(home.join(folder)).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    let source = format!("deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} main\n");
    fs::write(home.join("sources.list"), source).map_err(|error| error.to_string())?;
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command.current_dir(home.join("packages"));
        for (key, value) in [
            ("Dir::Etc::sourcelist", home.join("sources.list").display().to_string()),
            ("Dir::Etc::sourceparts", "-".to_owned()),
            ("Dir::State", home.join("state").display().to_string()),
            ("Dir::State::status", "/var/lib/dpkg/status".to_owned()),
            ("Dir::Cache", home.join("cache").display().to_string()),
            ("Acquire::Languages", "none".to_owned()),
            ("APT::Sandbox::User", "root".to_owned()),
        ] {
            command.arg("-o").arg(format!("{key}={value}"));
        }
        command
    };
    println!("reading the package list of Debian {SUITE}");
    run(apt_get().args(["update", "-qq"]))?;
    println!("downloading the peers");
    run(apt_get().args(["download", "-qq"]).args(PEERS.iter().map(|peer| peer.package)))?;
    for entry in fs::read_dir(home.join("packages")).map_err(|error| error.to_string())? {
        let package = entry.map_err(|error| error.to_string())?.path();
        run(Command::new("dpkg-deb").arg("-x").arg(package).arg(home.join("root")))?;
    }
    Ok(())
}

/// The version as the package's file name carries it: not every peer can say its own.
fn version(home: &Path, peer: &Peer) -> Result<String, String> {
    let prefix = format!("{}_", peer.package);
    let files = fs::read_dir(home.join("packages")).map_err(|error| error.to_string())?;
    let version = files
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find_map(|name| Some(name.strip_prefix(&prefix)?.split('_').next()?.replace("%3a", ":")))
        .ok_or_else(|| format!("no package of {} was downloaded", peer.package))?;
    let major = version.split('.').next().and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    if major < peer.major_min {
        return Err(format!(
            "{} {version} is too old to compare with: {}.x is needed",
            peer.package, peer.major_min
        ));
    }
    Ok(format!("{} {version}", peer.program))
}
