//! The roles of one process share one bus and one store; the first that fails makes all of them drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use wensheng_bus::{Backoff, Bus, ErrorKind};
use wensheng_connect::IngestProgress;
use wensheng_runtime::{Handle, TicketKey};
use wensheng_store::Store;

use crate::cli::Role;
use crate::config::Config;

/// The roles of this process, running.
pub(crate) struct Service {
    /// The bus they share.
    pub(crate) bus: Arc<dyn Bus>,
    /// The store, when a role needs it.
    pub(crate) store: Option<Store>,
    /// How far the sources were read.
    pub(crate) ingest: watch::Receiver<IngestProgress>,
    /// Where the console listens, when it is one of the roles.
    pub(crate) console: Option<SocketAddr>,
    roles: Vec<Role>,
    tasks: JoinSet<Result<()>>,
    handle: Handle,
}

/// Opens the bus. A broker that cannot be reached is no error here: whoever talks to it waits.
///
/// # Errors
/// When waiting does not help: a locked or damaged file, wrong settings.
pub(crate) fn open_bus(config: &Config) -> Result<Arc<dyn Bus>> {
    Ok(wensheng_bus::open_bus(&config.bus, &config.data_dir)?)
}

/// Repeats `attempt` while it fails for a reason that waiting may mend, telling what is waited for.
async fn patiently<T, E: std::fmt::Display>(
    handle: &Handle,
    name: &'static str,
    is_passing: impl Fn(&E) -> bool,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T> {
    let state = handle.health.register(name);
    let backoff = Backoff::default();
    let mut failures = 0;
    loop {
        match attempt().await {
            Ok(value) => {
                state.send_replace(wensheng_bus::StageState::Running);
                return Ok(value);
            }
            Err(error) if is_passing(&error) => {
                failures += 1;
                tracing::warn!(%error, "waiting for the {name}");
                state.send_replace(wensheng_bus::StageState::Waiting(error.to_string()));
                let pause: Duration = backoff.wait(failures, 0.5);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = handle.shutdown.cancelled() => bail!("stopped while waiting for the {name}: {error}"),
                }
            }
            Err(error) => return Err(anyhow!("{error}")),
        }
    }
}

/// The configuration with a secret for the links on cards: where none is given, and one process both makes and opens them,
/// one that lasts as long as the process.
fn with_link_secret(config: &Config, roles: &[Role]) -> Config {
    let mut config = config.clone();
    let both = roles.contains(&Role::Notify) && roles.contains(&Role::Console);
    if both && config.notify.links.secret.is_empty() {
        let drawn = format!(
            "{:032x}{:032x}",
            rand::random::<u128>(),
            rand::random::<u128>()
        );
        config.notify.links.secret = wensheng_runtime::Secret::new(drawn);
    }
    config
}

impl Service {
    /// Opens what the roles need, and starts them.
    ///
    /// # Errors
    /// When the bus or the store cannot be opened and waiting does not help, when topics are missing or wrong, or when
    /// an address is taken.
    pub(crate) async fn start(config: &Config, roles: &[Role], handle: Handle) -> Result<Self> {
        let config = &with_link_secret(config, roles);
        let is_passing = |error: &wensheng_bus::BusError| error.kind == ErrorKind::Unavailable;
        let bus = patiently(&handle, "bus", is_passing, async || {
            wensheng_bus::open_bus(&config.bus, &config.data_dir)
        })
        .await?;
        let specs = config.topics.specs();
        patiently(&handle, "bus", is_passing, async || {
            if config.topics.create {
                bus.create_topics(&specs).await
            } else {
                Ok(())
            }
        })
        .await
        .context("create the topics")?;
        let problems = patiently(&handle, "bus", is_passing, async || {
            bus.check_topics(&specs).await
        })
        .await?;
        if !problems.is_empty() {
            let list: Vec<String> = problems
                .iter()
                .map(|problem| format!("  - {}: {}", problem.topic, problem.problem))
                .collect();
            bail!("topics are not as they should be:\n{}", list.join("\n"));
        }
        let store = if roles.iter().any(|role| role.needs_store()) {
            let is_passing = wensheng_store::StoreError::retriable;
            let open = async || Store::open(&config.store, &config.data_dir).await;
            Some(
                patiently(&handle, "store", is_passing, open)
                    .await
                    .context("open the store")?,
            )
        } else {
            None
        };
        let (progress, ingest) = watch::channel(IngestProgress {
            all_through: !roles.contains(&Role::Connect),
            ..IngestProgress::default()
        });
        let mut service = Self {
            bus,
            store,
            ingest,
            console: None,
            roles: roles.to_vec(),
            tasks: JoinSet::new(),
            handle,
        };
        let (bound, console) = oneshot::channel();
        let mut progress = Some(progress);
        let mut bound = Some(bound);
        for role in roles {
            service.spawn(*role, config, &mut progress, &mut bound)?;
        }
        if roles.contains(&Role::Console) {
            match console.await {
                Ok(address) => service.console = Some(address),
                // The console ended before it was bound, so all roles drain; its own end tells why.
                Err(_) => service.drain().await?,
            }
        }
        Ok(service)
    }

    fn spawn(
        &mut self,
        role: Role,
        config: &Config,
        progress: &mut Option<watch::Sender<IngestProgress>>,
        bound: &mut Option<oneshot::Sender<SocketAddr>>,
    ) -> Result<()> {
        let (bus, handle) = (self.bus.clone(), self.handle.clone());
        let config = config.clone();
        let store = self.store.clone();
        let store = move || store.ok_or_else(|| anyhow!("the store is not open"));
        match role {
            Role::Connect => {
                let progress = progress
                    .take()
                    .ok_or_else(|| anyhow!("connect is given twice"))?;
                self.run(
                    role,
                    wensheng_connect::run(config.connect, bus, handle, progress),
                );
            }
            Role::Enrich => self.run(role, wensheng_enrich::run(config.enrich, bus, handle)),
            Role::Aggregate => {
                self.run(role, wensheng_aggregate::run(config.aggregate, bus, handle))
            }
            Role::Respond => {
                // Titles call topics as the aspects do, unless the configuration says otherwise.
                let mut names = config.enrich.topic_names()?;
                names.extend(config.respond.topic_names.clone());
                let config = wensheng_respond::Config {
                    topic_names: names,
                    ..config.respond
                };
                self.run(role, wensheng_respond::run(config, bus, handle));
            }
            Role::Notify => self.run(role, wensheng_notify::run(config.notify, bus, handle)),
            Role::Publish => self.run(
                role,
                wensheng_publish::run(config.publish, bus, handle, store()?),
            ),
            Role::Console => {
                let bound = bound
                    .take()
                    .ok_or_else(|| anyhow!("console is given twice"))?;
                let secret = config.notify.links.secret.expose();
                let link_key = (!secret.is_empty()).then(|| TicketKey::new(secret.as_bytes()));
                self.run(
                    role,
                    wensheng_console::run(
                        config.console,
                        bus,
                        handle,
                        store()?,
                        link_key,
                        wensheng_connect::masked,
                        bound,
                    ),
                );
            }
        }
        Ok(())
    }

    /// Runs a role; when it ends before it was told to, all others are told to drain.
    fn run<E>(&mut self, role: Role, work: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let shutdown = self.handle.shutdown.clone();
        self.tasks.spawn(async move {
            let result = match work.await {
                Ok(()) if shutdown.is_cancelled() => Ok(()),
                Ok(()) => Err(anyhow!("the role {role} ended although nobody stopped it")),
                Err(error) => {
                    Err(anyhow::Error::new(error).context(format!("the role {role} failed")))
                }
            };
            shutdown.cancel();
            result
        });
    }

    /// The roles that run here.
    pub(crate) fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Makes every role drain, and waits for it at most `deadline`.
    ///
    /// # Errors
    /// The first failure of a role, or that the deadline passed.
    pub(crate) async fn stop(mut self, deadline: Duration) -> Result<()> {
        self.handle.shutdown.cancel();
        let Ok(outcome) = tokio::time::timeout(deadline, self.drain()).await else {
            bail!(
                "the drain took longer than {} s and was cut off; what was not committed is read again at the next start",
                deadline.as_secs()
            );
        };
        if let Some(store) = &self.store {
            store.close().await;
        }
        outcome
    }

    /// Waits until every role has ended.
    async fn drain(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let result =
                ended.unwrap_or_else(|panic| Err(anyhow!("a role ended in a panic: {panic}")));
            outcome = outcome.and(result);
        }
        outcome
    }
}
