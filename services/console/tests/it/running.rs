//! A console that really runs.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use wensheng_bus::{Bus, EmbeddedBus, EmbeddedConfig, TopicPartition};
use wensheng_console::{Config, Error, run};
use wensheng_runtime::{Handle, TicketKey, decode, topic_specs};
use wensheng_schemas::{Action, Command, Contract, Topic};
use wensheng_store::{Role, Store, StoreConfig};

pub(crate) const PARTITIONS: u32 = 2;

/// What links are signed with.
pub(crate) const LINK_SECRET: &[u8] = b"secret of the links";

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) bus: Arc<EmbeddedBus>,
    pub(crate) handle: Handle,
    pub(crate) admin: String,
    pub(crate) client: Client,
    task: JoinHandle<Result<(), Error>>,
    _folder: TempDir,
}

pub(crate) async fn open_store(folder: &Path) -> Store {
    Store::open(&StoreConfig::default(), folder).await.unwrap()
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open_store(folder.path()).await;
        let admin = wensheng_console::first_token(&store)
            .await
            .unwrap()
            .expect("the first start makes a token");
        let bus =
            EmbeddedBus::open(folder.path().join("bus.db"), EmbeddedConfig::default()).unwrap();
        bus.create_topics(&topic_specs(PARTITIONS, &Default::default()))
            .await
            .unwrap();
        let config = Config {
            listen: "127.0.0.1:0".to_owned(),
            poll_ms: 100,
            ..config
        };
        let handle = Handle::default();
        let (bound, address) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(run(
            config,
            bus.clone(),
            handle.clone(),
            store.clone(),
            Some(TicketKey::new(LINK_SECRET)),
            |text| text.replace("13912345678", "[手机号]"),
            bound,
        ));
        Self {
            address: address.await.unwrap(),
            store,
            bus,
            handle,
            admin,
            client: Client::new(),
            task,
            _folder: folder,
        }
    }

    pub(crate) async fn token(&self, name: &str, role: Role) -> String {
        let token = self.store.create_token(name, role, Timestamp::now());
        token.await.unwrap().secret
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request below `/api/v1` with a bearer token.
    pub(crate) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client
            .request(method, self.url(&format!("/api/v1{path}")))
            .bearer_auth(token)
    }

    /// What is at `path`, as the administrator reads it.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self
            .request(Method::GET, path, &self.admin)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// All records of a topic.
    pub(crate) async fn records<T: Contract + Send>(&self, topic: Topic) -> Vec<T> {
        let mut found = Vec::new();
        for partition in 0..PARTITIONS {
            let at = TopicPartition::new(topic.shared_name(), partition);
            let mut take = |record| found.push(decode(&record).unwrap());
            self.bus.replay(&at, 0..u64::MAX, &mut take).await.unwrap();
        }
        found
    }

    /// Every command on the bus, without looks: whoever opens the page of an alert looks at it.
    pub(crate) async fn commands(&self) -> Vec<Command> {
        let mut commands = Vec::new();
        for partition in 0..PARTITIONS {
            let at = TopicPartition::new(Topic::Commands.shared_name(), partition);
            let whole: Range<u64> = 0..u64::MAX;
            self.bus
                .replay(&at, whole, &mut |record| {
                    let command: Command = decode(&record).unwrap();
                    if command.action != Action::View {
                        commands.push(command);
                    }
                })
                .await
                .unwrap();
        }
        commands
    }

    /// Shuts down and waits for the drain.
    pub(crate) async fn stop(self) {
        self.handle.shutdown.cancel();
        self.task.await.unwrap().unwrap();
        self.store.close().await;
        self.bus.close();
    }
}
