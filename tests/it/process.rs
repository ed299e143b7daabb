//! A running service; it never outlives its test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binary;
use crate::console::Console;

/// Whatever a test waits for comes within this, or not at all: generous, as builds may share the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// A service that was started.
pub(crate) struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts the binary with `arguments`; what it prints goes to `<prefix>.out` and `<prefix>.err`.
    pub(crate) fn start(arguments: &[&str], directory: &Path, prefix: &str) -> Self {
        Self::start_with(arguments, directory, prefix, &[])
    }

    /// The same, with some of the environment of its own.
    pub(crate) fn start_with(
        arguments: &[&str],
        directory: &Path,
        prefix: &str,
        environment: &[(&'static str, String)],
    ) -> Self {
        let stdout = directory.join(format!("{prefix}.out"));
        let stderr = directory.join(format!("{prefix}.err"));
        let child = Command::new(binary::path())
            .args(arguments)
            .current_dir(directory)
            .env_remove("WENSHENG_CONFIG")
            .env_remove("WENSHENG_DATA")
            .env_remove("WENSHENG_LOG")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("create the file of its output"))
            .stderr(File::create(&stderr).expect("create the file of its log"))
            .spawn()
            .expect("start the binary");
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it logged so far.
    pub(crate) fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("send SIGKILL");
        self.child.wait().expect("wait for its end");
    }

    /// Sends a signal: `INT`, `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status()
            .expect("run sh");
        assert!(sent.success(), "cannot send SIG{name}");
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("ask for its end").is_none()
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        self.ended_within(PATIENCE).await
    }

    /// Waits for its end; long work may take `patience`.
    pub(crate) async fn ended_within(&mut self, patience: Duration) -> Ended {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("ask for its end") {
                return Ended {
                    code: status.code(),
                    stdout: read(&self.stdout),
                    stderr: read(&self.stderr),
                };
            }
            assert!(
                since.elapsed() < patience,
                "it still runs; its log:\n{}",
                self.stderr()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Stops it in order, and insists that it went well.
    pub(crate) async fn stop(self) -> Ended {
        self.signal("TERM");
        let ended = self.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }

    /// Waits until its log holds what `find` looks for.
    pub(crate) async fn told<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            let running = self.is_running();
            let log = self.stderr();
            if let Some(found) = find(&log) {
                return found;
            }
            assert!(running, "it ended before it told {what}:\n{log}");
            assert!(since.elapsed() < PATIENCE, "it never told {what}:\n{log}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Where health and metrics are told.
    pub(crate) async fn operations(&mut self) -> String {
        self.told("where operations are served", |log| {
            word_after(log, " ops=")
        })
        .await
    }

    /// Where feedback is taken.
    pub(crate) async fn ingest(&mut self) -> String {
        self.told("where it takes feedback", |log| {
            word_after(log, "listening for feedback address=")
        })
        .await
    }

    /// The console's address, and the first token where it was shown.
    pub(crate) async fn console_address(&mut self) -> (String, Option<String>) {
        self.told("where the console is", |log| {
            let url = word_after(log, "console  http://")?;
            Some(match url.split_once("/#token=") {
                Some((address, token)) => (address.to_owned(), Some(token.to_owned())),
                None => (url.trim_end_matches('/').to_owned(), None),
            })
        })
        .await
    }

    /// The console, for the holder of the token that it shows at its first start.
    pub(crate) async fn first_console(&mut self) -> Console {
        let (address, token) = self.console_address().await;
        Console::new(&address, &token.expect("the first start shows a token"))
    }

    /// The console of a later start.
    pub(crate) async fn console(&mut self, token: &str) -> Console {
        let (address, _) = self.console_address().await;
        Console::new(&address, token)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl Ended {
    /// Insists that it failed with `code`, and that what it said holds every one of `words`.
    pub(crate) fn failed_saying(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for word in words {
            assert!(
                self.stderr.contains(word),
                "{word:?} is missing in:\n{}",
                self.stderr
            );
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// The word that follows `mark`, once its end is there too.
fn word_after(text: &str, mark: &str) -> Option<String> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let end = rest.find(char::is_whitespace)?;
    Some(rest[..end].to_owned())
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "it never came: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
