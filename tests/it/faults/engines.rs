//! Kafka and PostgreSQL: those that are at hand, or a pair for this test alone, which can be killed, stopped and
//! started again with all they had written.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::traffic::quiet_port;
use crate::binary;
use crate::process::eventually;

/// A broker and a database.
pub(super) struct Engines {
    brokers: String,
    database: String,
    own: Option<Own>,
}

struct Own {
    broker: Server,
    database: Server,
    _directory: TempDir,
}

impl Engines {
    /// Those of the environment, or own ones where they are asked for; `None`, and why, where there are none.
    pub(super) async fn at_hand() -> Option<Self> {
        if std::env::var_os("WENSHENG_FAULT_ENGINES").is_some_and(|value| value == "own") {
            return Some(Self::start().await);
        }
        match (
            std::env::var("WENSHENG_KAFKA"),
            std::env::var("WENSHENG_POSTGRES"),
        ) {
            (Ok(brokers), Ok(database)) => Some(Self {
                brokers,
                database,
                own: None,
            }),
            _ => {
                println!(
                    "skipped: no broker and database; set WENSHENG_KAFKA and WENSHENG_POSTGRES (tests/kafka.sh, \
                     tests/postgres.sh), or WENSHENG_FAULT_ENGINES=own to start some"
                );
                None
            }
        }
    }

    /// A pair for this test alone.
    pub(super) async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        // The database's data is in it, and the database may run as a user of its own.
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755))
            .expect("open the directory");
        // Where kafka.sh keeps what it fetched.
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| binary::workspace().join("target"), PathBuf::from);
        let jars = target.join("kafka");
        std::fs::create_dir_all(directory.path().join("kafka")).expect("a directory");
        for entry in std::fs::read_dir(jars).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("jars-") {
                symlink(entry.path(), directory.path().join("kafka").join(name))
                    .expect("link the jars");
            }
        }
        let broker = Server::kafka(directory.path()).await;
        let (database, url) = Server::postgres(directory.path()).await;
        Self {
            brokers: format!("127.0.0.1:{}", broker.port),
            database: url,
            own: Some(Own {
                broker,
                database,
                _directory: directory,
            }),
        }
    }

    pub(super) fn brokers(&self) -> &str {
        &self.brokers
    }

    pub(super) const fn are_own(&self) -> bool {
        self.own.is_some()
    }

    /// An empty database.
    pub(super) async fn database_for_a_trial(&self) -> String {
        let mut admin = PgConnection::connect(&self.database)
            .await
            .expect("the database answers");
        let name = format!("wensheng_faults_{:08x}", rand::random::<u32>());
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut admin)
            .await
            .expect("create a database");
        let (before, query) = match self.database.split_once('?') {
            Some((before, query)) => (before, format!("?{query}")),
            None => (self.database.as_str(), String::new()),
        };
        let (base, _) = before.rsplit_once('/').expect("a URL with a database");
        format!("{base}/{name}{query}")
    }

    fn own(&mut self) -> &mut Own {
        self.own.as_mut().expect("engines of our own")
    }

    pub(super) fn kill_broker(&mut self) {
        self.own().broker.kill();
    }

    pub(super) async fn restart_broker(&mut self) {
        self.own().broker.start_again().await;
    }

    pub(super) fn kill_database(&mut self) {
        self.own().database.kill();
    }

    pub(super) async fn restart_database(&mut self) {
        self.own().database.start_again().await;
    }

    /// Stops the broker in its tracks: connections stay open, and nothing answers.
    pub(super) fn freeze_broker(&mut self) {
        self.own().broker.signal("STOP");
    }

    pub(super) fn thaw_broker(&mut self) {
        self.own().broker.signal("CONT");
    }
}

/// A server that this test started, with the command that starts it again.
struct Server {
    name: &'static str,
    command: Vec<String>,
    log: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// The script fetches, configures and formats; then the broker is started again as a child of this test.
    async fn kafka(directory: &Path) -> Self {
        let port = quiet_port();
        script("kafka.sh", directory, port);
        let pid = std::fs::read_to_string(directory.join("kafka/broker.pid")).expect("its number");
        let pid = pid.split_whitespace().next().expect("its number");
        let ps = Command::new("ps")
            .args(["-ww", "-o", "args=", "-p", pid])
            .output()
            .expect("run ps");
        let command = String::from_utf8(ps.stdout).expect("UTF-8");
        send("KILL", pid);
        let mut server = Self {
            name: "the broker",
            command: command.split_whitespace().map(str::to_owned).collect(),
            log: directory.join("broker.log"),
            port,
            child: None,
        };
        server.is_away().await;
        server.start_again().await;
        server
    }

    async fn postgres(directory: &Path) -> (Self, String) {
        let port = quiet_port();
        let url = script("postgres.sh", directory, port);
        let note = std::fs::read_to_string(directory.join("postgres/data.path"));
        let data = PathBuf::from(note.expect("where its data is"));
        let options = std::fs::read_to_string(data.join("postmaster.opts")).expect("its options");
        let pid = std::fs::read_to_string(data.join("postmaster.pid")).expect("its number");
        // Fast and in order, so that nothing of it is left when its successor begins.
        send("INT", pid.lines().next().expect("its number"));
        eventually("the end of the first postmaster", async || {
            (!data.join("postmaster.pid").exists()).then_some(())
        })
        .await;
        let words = options
            .split_whitespace()
            .map(|word| word.trim_matches('"').to_owned());
        let mut command: Vec<String> = Vec::new();
        if is_root() {
            let owner = [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--init-groups",
            ];
            command.extend(owner.map(str::to_owned));
        }
        command.extend(words);
        let mut server = Self {
            name: "the database",
            command,
            log: directory.join("database.log"),
            port,
            child: None,
        };
        server.start_again().await;
        (server, url)
    }

    fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("send SIGKILL");
        child.wait().expect("wait for its end");
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it runs");
        send(name, &child.id().to_string());
    }

    /// Starts it until it stays: what a predecessor left (its port, its shared memory) goes only after a moment.
    async fn start_again(&mut self) {
        for _ in 0..100 {
            let log = std::fs::File::options()
                .create(true)
                .append(true)
                .open(&self.log)
                .expect("its log");
            let mut child = Command::new(&self.command[0])
                .args(&self.command[1..])
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("its log"))
                .stderr(log)
                .spawn()
                .expect("start it");
            while child.try_wait().expect("ask for its end").is_none() {
                if self.answers().await {
                    self.child = Some(child);
                    return;
                }
                sleep(Duration::from_millis(100)).await;
            }
            sleep(Duration::from_millis(500)).await;
        }
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        panic!("{} does not start again:\n{log}", self.name);
    }

    async fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()
    }

    async fn is_away(&self) {
        eventually("its end", async || (!self.answers().await).then_some(())).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Runs `tests/<name> start <port>` with its home in `directory`; the last line that it prints.
fn script(name: &str, directory: &Path, port: u16) -> String {
    let output = Command::new("bash")
        .arg(binary::workspace().join("tests").join(name))
        .args(["start", &port.to_string()])
        .env("CARGO_TARGET_DIR", directory)
        .env("TMPDIR", directory)
        .env_remove("WENSHENG_KAFKA")
        .env_remove("WENSHENG_POSTGRES")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("run bash");
    assert!(output.status.success(), "{name} failed");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().last().expect("an address").to_owned()
}

fn send(signal: &str, pid: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), pid])
        .status()
        .expect("run kill");
    assert!(sent.success(), "cannot send SIG{signal} to {pid}");
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("run id");
    id.stdout.trim_ascii() == b"0"
}
