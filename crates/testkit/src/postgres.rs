//! A real PostgreSQL server in a temporary folder, for tests of what is kept in one. It takes connections with a
//! password, so that tests can see that nobody is shown it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Who owns everything in it.
pub const USER: &str = "tester";
/// With which they come in.
pub const PASSWORD: &str = "hush-hush-7";

/// It refuses to run as root; then everybody's nobody runs it.
const NOBODY: u32 = 65_534;
const START_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running server; it ends, and its folder goes, with the last who holds it.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    running: Mutex<Option<Child>>,
}

/// The server that tests of one process share as long as one of them runs; `None`, and a line that says so, when the
/// program is not there.
pub fn shared() -> Option<Arc<Postgres>> {
    static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Some(server);
    }
    let server = Arc::new(start("shared")?);
    *shared = Arc::downgrade(&server);
    Some(server)
}

/// A server of one's own, which can be ended and started again.
pub fn start(name: &str) -> Option<Postgres> {
    let Some(programs) = programs() else {
        eprintln!(
            "skipped: there is no PostgreSQL in PATH or /usr/lib/postgresql; install the package postgresql"
        );
        return None;
    };
    let folder = std::env::temp_dir().join(format!("bellwether-postgres-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the server");
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("its number").port();
    drop(free);
    let server = Postgres { programs, folder, port, running: Mutex::new(None) };
    server.initialise();
    server.start();
    Some(server)
}

impl Postgres {
    /// A new database of this name; gives its address, password included.
    pub fn database(&self, name: &str) -> String {
        let done = self.client("createdb", &[name]);
        assert!(done.status.success(), "createdb {name}: {}", String::from_utf8_lossy(&done.stderr));
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs statements in a database and gives what they print.
    pub fn run(&self, database: &str, statements: &str) -> String {
        let done = self.client("psql", &["-qAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statements]);
        assert!(done.status.success(), "{statements}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Ends it as a crash would: every connection breaks.
    pub fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut child) = running.take() {
            // The order to end at once; a killed postmaster would leave its children to find out by themselves.
            let _ = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }

    /// Starts it, and waits until it takes connections.
    pub fn start(&self) {
        let data = self.data();
        let mut command = self.as_user("postgres");
        command.arg("-D").arg(&data).args(["-p", &self.port.to_string(), "-k", ""]);
        // Tests kill those who write to it, never the machine.
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=50"]);
        let log = std::fs::File::create(self.folder.join("log")).expect("a file for what it says");
        command.stdout(log.try_clone().expect("the same file")).stderr(log).stdin(Stdio::null());
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(command.spawn().expect("the server"));
        let began = Instant::now();
        while !self.client("psql", &["-qAt", "-d", "postgres", "-c", "SELECT 1"]).status.success() {
            let said = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(began.elapsed() < START_MAX, "PostgreSQL does not start: {}", said());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn initialise(&self) {
        let password = self.folder.join("password");
        std::fs::write(&password, PASSWORD).expect("a file with the password");
        let data = self.data();
        std::fs::create_dir(&data).expect("a folder for its data");
        if is_root() {
            for path in [&self.folder, &password, &data] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("give it to nobody");
            }
        }
        let mut command = self.as_user("initdb");
        command.arg("-D").arg(&data).args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]);
        command.args(["--locale=C", "--no-instructions"]).arg(format!("--pwfile={}", password.display()));
        let done = command.output().expect("initdb");
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn as_user(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
                command.arg("--clear-groups").arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir(&self.folder).env("LC_ALL", "C");
        command
    }

    fn client(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.programs.join(program));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER]).args(arguments);
        command.env("PGPASSWORD", PASSWORD).env("PGCONNECT_TIMEOUT", "5").stdin(Stdio::null());
        command.output().expect("a client of the server")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The folder of the programs: Debian keeps them out of PATH, one folder for each version.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("initdb"));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|version| version.path().join("bin/initdb")).collect();
    versions.sort();
    // What a link in PATH points to has the other programs beside it.
    let found = in_path.chain(versions.into_iter().rev()).filter_map(|program| program.canonicalize().ok());
    let whole =
        |folder: &Path| ["initdb", "postgres", "psql", "createdb"].iter().all(|p| folder.join(p).is_file());
    found.filter_map(|program| program.parent().map(Path::to_owned)).find(|folder| whole(folder))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
