//! The server binds before it says where it listens, and ends when it has drained.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::tz::TimeZone;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use wensheng_bus::{Bus, StageState};
use wensheng_runtime::{Handle, Health, TicketKey};
use wensheng_store::Store;

use crate::assets::{self, Assets};
use crate::attempts::Attempts;
use crate::commit::{self, Commits};
use crate::guard::guard;
use crate::problem::Problem;
use crate::watch::{self, Watch};
use crate::{Config, Error, api, links, metrics};

/// What is still being answered at shutdown gets this long.
const DRAIN: Duration = Duration::from_secs(5);

/// Takes personal data out of what a person wrote.
pub type Mask = fn(&str) -> String;

/// What every request can reach.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) store: Store,
    pub(crate) commits: Commits,
    pub(crate) watch: Watch,
    pub(crate) health: Health,
    pub(crate) zone: TimeZone,
    pub(crate) zone_name: Arc<str>,
    pub(crate) secure_cookie: bool,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) assets: Arc<Assets>,
    pub(crate) shutdown: CancellationToken,
    /// Opens the links on cards; none are taken without.
    pub(crate) link_key: Option<TicketKey>,
    pub(crate) mask: Mask,
    // Held only to count; never across an await.
    attempts: Arc<Mutex<Attempts>>,
}

impl Console {
    pub(crate) fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the console until `handle.shutdown` is cancelled. `link_key` opens the links that cards carry; `mask` takes personal
/// data out of notes and reasons before they are recorded. `bound` hears the address once requests are answered.
///
/// # Errors
/// When the address cannot be bound, or the time zone is unknown.
pub async fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    handle: Handle,
    store: Store,
    link_key: Option<TicketKey>,
    mask: Mask,
    bound: oneshot::Sender<SocketAddr>,
) -> Result<(), Error> {
    let zone = TimeZone::get(&config.time_zone).map_err(|source| Error::TimeZone {
        name: config.time_zone.clone(),
        source,
    })?;
    let state = handle.health.register("console");
    let failed = |source| Error::Listen {
        listen: config.listen.clone(),
        source,
    };
    let bind = async {
        let listener = tokio::net::TcpListener::bind(&config.listen).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = match bind.await {
        Ok(bound) => bound,
        Err(error) => {
            let error = failed(error);
            state.send_replace(StageState::Failed(error.to_string()));
            return Err(error);
        }
    };
    // The committer outlives the requests that wait for it.
    let drained = CancellationToken::new();
    let (commits, committer) = commit::start(
        bus,
        drained.clone(),
        handle.health.register("console-commands"),
    );
    let (watch, watcher) = watch::start(
        store.clone(),
        zone.clone(),
        Duration::from_millis(config.poll_ms),
        handle.shutdown.clone(),
        handle.health.register("console-watch"),
    );
    let console = Console {
        store,
        commits,
        watch,
        health: handle.health.clone(),
        zone,
        zone_name: Arc::from(config.time_zone.as_str()),
        secure_cookie: config.secure_cookie,
        streams: Arc::new(Semaphore::new(config.max_streams)),
        assets: Arc::new(Assets::new()),
        shutdown: handle.shutdown.clone(),
        link_key,
        mask,
        attempts: Arc::new(Mutex::new(Attempts::new(config.wrong_tokens_per_minute))),
    };
    let service = router(console).into_make_service_with_connect_info::<SocketAddr>();
    let serve = axum::serve(listener, service)
        .with_graceful_shutdown(handle.shutdown.clone().cancelled_owned());
    state.send_replace(StageState::Running);
    tracing::info!(%address, "console answers");
    if bound.send(address).is_err() {
        tracing::debug!("nobody waits for the console's address");
    }
    let out_of_patience = async {
        handle.shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    let served = tokio::select! {
        served = serve => served,
        () = out_of_patience => {
            tracing::warn!("requests still open at the end of the drain were dropped");
            Ok(())
        }
    };
    drained.cancel();
    for task in [committer, watcher] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task of the console ended badly");
        }
    }
    state.send_replace(match &served {
        Ok(()) => StageState::Stopped,
        Err(error) => StageState::Failed(error.to_string()),
    });
    served.map_err(Error::Serve)
}

fn router(console: Console) -> Router {
    Router::new()
        .nest("/api/v1", api::router())
        .merge(links::router())
        .route("/", get(assets::index))
        .fallback(assets::file)
        .method_not_allowed_fallback(async || Problem::method_not_allowed().into_response())
        .layer(from_fn(guard))
        .layer(from_fn(count))
        .with_state(console)
}

async fn count(request: Request, next: Next) -> Response {
    // Only methods that are answered, so that a visitor cannot make series at will.
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    };
    let response = next.run(request).await;
    metrics::count_request(method, response.status().as_u16());
    response
}
