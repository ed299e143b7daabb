//! Binds before it reads, restores before it goes on, and ends only when what was submitted is published or given back.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use wensheng_bus::{Backoff, Bus, ErrorKind, StageState};
use wensheng_runtime::Handle;

use crate::alias::Aliases;
use crate::config::Config;
use crate::connector::catalogue::connectors;
use crate::connector::{Input, PullContext, PullInput, Shared};
use crate::cursors::{self, Positions};
use crate::error::Error;
use crate::heartbeat::Heartbeat;
use crate::ingest::{Ingest, Submitter};
use crate::lead::{Lead, Place};
use crate::progress::{IngestProgress, Tracker};
use crate::push::{PushInput, PushServer, PushSource};

/// What names in the words say of brands, products and shops; `None` where nothing is configured.
fn aliases(config: &Config) -> Result<Option<Arc<Aliases>>, Error> {
    if config.aliases.is_empty() {
        return Ok(None);
    }
    let aliases = Aliases::new(&config.aliases).map_err(|reason| Error::Source {
        name: "aliases".to_owned(),
        reason,
    })?;
    Ok(Some(Arc::new(aliases)))
}

/// The two sides of all configured sources, each with its name and kind.
struct Inputs {
    pulls: Vec<(String, &'static str, Box<dyn PullInput>)>,
    pushes: Vec<(String, &'static str, Box<dyn PushInput>)>,
}

impl Inputs {
    fn build(config: &Config) -> Result<Self, Error> {
        let shared = Shared {
            pseudonym_key: config.pseudonym_key.clone(),
            max_text_bytes: config.max_text_bytes,
            aliases: aliases(config)?,
        };
        let (mut pulls, mut pushes) = (Vec::new(), Vec::new());
        for source in &config.sources {
            let connector = source.connector();
            let name = connector.name().to_owned();
            match connector.build(&shared) {
                Ok(Input::Pull(input)) => pulls.push((name, connector.kind(), input)),
                Ok(Input::Push(input)) => pushes.push((name, connector.kind(), input)),
                Ok(Input::Both { push, pull }) => {
                    pushes.push((name.clone(), connector.kind(), push));
                    pulls.push((name, connector.kind(), pull));
                }
                Err(reason) => return Err(Error::Source { name, reason }),
            }
        }
        Ok(Self { pulls, pushes })
    }
}

/// What is valid, and should be known all the same: sources of which lost pushes are not found again, though they could be.
///
/// # Errors
/// A source's configuration cannot be used.
pub fn advice(config: &Config) -> Result<Vec<String>, Error> {
    let Inputs { pulls, pushes } = Inputs::build(config)?;
    let kinds = connectors();
    let could_be_read = |kind: &str| kinds.iter().any(|k| k.name == kind && k.ways.pull);
    let is_read = |name: &str| pulls.iter().any(|(pulled, ..)| pulled == name);
    let alone = pushes
        .iter()
        .filter(|(name, kind, _)| could_be_read(kind) && !is_read(name));
    let told = alone.map(|(name, kind, _)| {
        format!("source {name}: only what is sent is taken in, and a push that is lost is not found again; {kind} can be read as well")
    });
    Ok(told.collect())
}

/// Takes in from all configured sources until shutdown, and tells its progress on `progress`; while another process of
/// the installation does, it stands by.
///
/// # Errors
/// The address for pushes cannot be bound, a source's configuration cannot be used, or the bus gave up.
pub async fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    handle: Handle,
    progress: watch::Sender<IngestProgress>,
) -> Result<(), Error> {
    let mut inputs = Inputs::build(&config)?;
    let mut lead = Lead::seek(bus.clone(), handle.health.register_aside("connect-lead"));
    let mut known = Place::Unknown;
    // Until its place is known, the process is not ready; while it stands by, it is.
    let not_ready = || drop(handle.health.register("connect"));
    not_ready();
    let taken_in = loop {
        let place = tokio::select! {
            biased;
            () = handle.shutdown.cancelled() => None,
            place = lead.place(|place| place != known) => place,
        };
        match place {
            None => break Ok(()),
            Some(Place::Unknown) => {
                known = Place::Unknown;
                continue;
            }
            Some(Place::StandsBy) => {
                known = Place::StandsBy;
                handle.health.forget("connect");
                continue;
            }
            Some(Place::Leads) => {}
        }
        let term = Handle {
            shutdown: handle.shutdown.child_token(),
            health: handle.health.clone(),
        };
        let end = term.shutdown.clone();
        let taking_in = take_in(&config, inputs, bus.clone(), term, progress.clone());
        tokio::pin!(taking_in);
        let taken_in = tokio::select! {
            biased;
            taken_in = &mut taking_in => taken_in,
            _ = lead.place(|place| place != Place::Leads) => {
                tracing::info!("another process may take in from now on");
                end.cancel();
                taking_in.await
            }
        };
        if taken_in.is_err() || handle.shutdown.is_cancelled() {
            break taken_in;
        }
        known = Place::Unknown;
        for source in &config.sources {
            let name = source.connector().name().to_owned();
            handle.health.forget(&format!("connect-{name}"));
        }
        handle.health.forget("connect-listen");
        not_ready();
        inputs = Inputs::build(&config)?;
    };
    // Last: whoever stands by begins when everything that was taken in is published.
    let left = lead.leave().await;
    taken_in?;
    left.map_err(Error::Bus)
}

/// Takes in until `handle` says that it ends.
async fn take_in(
    config: &Config,
    Inputs { pulls, pushes }: Inputs,
    bus: Arc<dyn Bus>,
    handle: Handle,
    progress: watch::Sender<IngestProgress>,
) -> Result<(), Error> {
    let beating: BTreeMap<String, (&'static str, bool)> = pushes
        .iter()
        .map(|(name, kind, _)| (name.clone(), (*kind, false)))
        .chain(
            pulls
                .iter()
                .map(|(name, kind, _)| (name.clone(), (*kind, true))),
        )
        .collect();
    // A source with both sides is through when its pull side is.
    let sources = pushes.iter().map(|(name, ..)| (name.clone(), true));
    let sources = sources.chain(pulls.iter().map(|(name, ..)| (name.clone(), false)));
    let progress = Tracker::new(progress, sources);

    let listener = if pushes.is_empty() {
        None
    } else {
        let bound = tokio::net::TcpListener::bind(&config.listen).await;
        let listener = bound.map_err(|source| Error::Listen {
            address: config.listen.clone(),
            source,
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "listening for feedback");
            progress.listening(address);
        }
        Some(listener)
    };

    let health = handle.health.register("connect");
    let Some(mut positions) = restore(bus.as_ref(), &handle, &health).await? else {
        health.send_replace(StageState::Stopped);
        return Ok(());
    };
    let (ingest, queue) = Ingest::new(
        bus.clone(),
        config.max_pending_bytes,
        health,
        progress.clone(),
        handle.shutdown.clone(),
    );
    // A task that breaks off or a bus that gives up ends all of them.
    let ending = handle.shutdown.child_token();
    let _end_all = ending.clone().drop_guard();
    let mut ingest = tokio::spawn(ingest.run());

    // The two sides of a source submit in one order.
    let mut submitters: BTreeMap<String, Submitter> = BTreeMap::new();
    let mut submitter = |name: &str, kind| {
        let one = submitters.entry(name.to_owned());
        one.or_insert_with(|| queue.submitter(name, kind)).clone()
    };
    let mut behind_server = Vec::new();
    for (name, kind, mut input) in pushes {
        input.restore(positions.get(&name).cloned().unwrap_or_default());
        behind_server.push(PushSource::new(&name, input, submitter(&name, kind)));
    }
    let mut tasks = JoinSet::new();
    for (name, kind, input) in pulls {
        let context = PullContext {
            submitter: submitter(&name, kind),
            positions: positions.remove(&name).unwrap_or_default(),
            progress: progress.clone(),
            health: if input.is_remote() {
                handle.health.register_aside(format!("connect-{name}"))
            } else {
                handle.health.register(format!("connect-{name}"))
            },
            shutdown: ending.clone(),
        };
        tasks.spawn(input.run(context));
    }
    drop(submitters);
    if let Some(listener) = listener {
        let health = handle.health.register("connect-listen");
        let server = PushServer::new(behind_server.into_iter(), config.max_pending_bytes);
        tasks.spawn(server.serve(listener, health, ending.clone()));
    }
    let heartbeat = Heartbeat::new(
        beating
            .into_iter()
            .map(|(name, (kind, is_read))| (name, kind, is_read)),
        queue.submitter("heartbeat", "heartbeat"),
        progress.clone(),
        handle.health.clone(),
    );
    tasks.spawn(heartbeat.run(bus, ending.clone()));
    // Without any source there is nothing to take in, and still nothing to end for: the role lasts until it is stopped.
    let lasting = ending.clone();
    tasks.spawn(async move {
        lasting.cancelled().await;
        drop(queue);
    });

    let waiter = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                return Err(Error::Broken(error.to_string()));
            }
        }
        Ok(())
    };
    tokio::pin!(waiter);
    // The publishing task first: when it gives up, the sources wait in vain. When it only ends early (shutdown while the
    // bus is away), they still say goodbye to whom they serve.
    tokio::select! {
        biased;
        published = &mut ingest => {
            finish(published)?;
            waiter.await
        }
        ended = &mut waiter => {
            ended?;
            finish(ingest.await)
        }
    }
}

fn finish(
    published: Result<Result<(), wensheng_bus::BusError>, tokio::task::JoinError>,
) -> Result<(), Error> {
    match published {
        Ok(outcome) => outcome.map_err(Error::Bus),
        Err(error) => Err(Error::Broken(error.to_string())),
    }
}

/// The sources' positions; waits while the bus is away. `None`: shutdown came first.
async fn restore(
    bus: &dyn Bus,
    handle: &Handle,
    health: &watch::Sender<StageState>,
) -> Result<Option<Positions>, Error> {
    let backoff = Backoff::default();
    let mut failures = 0;
    loop {
        let error = match cursors::restore(bus).await {
            Ok(positions) => return Ok(Some(positions)),
            Err(error) if error.kind == ErrorKind::Fatal => {
                health.send_replace(StageState::Failed(error.to_string()));
                return Err(error.into());
            }
            Err(error) => error,
        };
        failures += 1;
        health.send_replace(StageState::Waiting(error.to_string()));
        let wait = backoff.wait(failures, rand::random());
        tracing::warn!(%error, failures, wait_ms = wait.as_millis() as u64, "cannot read the cursors, trying again");
        tokio::select! {
            biased;
            () = handle.shutdown.cancelled() => return Ok(None),
            () = tokio::time::sleep(wait) => {}
        }
    }
}
