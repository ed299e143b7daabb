//! The live stream: server-sent events that a page can trust to be complete, or that tell it to read anew.
//!
//! | event | data | the page then |
//! |---|---|---|
//! | `hello` | `{resumed}` | reads what it shows, unless the stream was resumed without a gap |
//! | `alert` | `{alert}` | replaces that alert |
//! | `feedback` | `{rows, more}` | puts the rows on top |
//! | `overview` | `{pulse}` | shows the pulse, and reads its figures anew when it likes |
//! | `deliveries` | `{deliveries}` | reads the ledger of the alert it shows |
//! | `resync` | `{}` | reads everything anew: the stream was too slow |

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::Instant;

use crate::Console;
use crate::auth::Visitor;
use crate::metrics::OpenStream;
use crate::problem::Problem;
use crate::watch::{Change, Subscription};

/// Proxies close connections that are silent for 30 to 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream ends after this long and the browser opens another at once: a token that was revoked hears no more.
const LONGEST: Duration = Duration::from_secs(600);
/// How long a browser waits before it opens the stream again.
const RETRY: Duration = Duration::from_secs(2);

/// `GET /api/v1/stream`
pub(crate) async fn stream(
    State(console): State<Console>,
    _: Visitor,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let permit = console
        .streams
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::too_many("as many live streams as allowed are open", 5))?;
    let last_seen = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok());
    let subscription = console
        .watch
        .subscribe(last_seen)
        .await
        .ok_or_else(|| Problem::unavailable("the console is shutting down"))?;
    let events =
        events(subscription, permit).take_until(console.shutdown.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Open {
    epoch: Arc<str>,
    ready: VecDeque<Event>,
    changes: broadcast::Receiver<Arc<Change>>,
    ends: Instant,
    _permit: OwnedSemaphorePermit,
    _counted: OpenStream,
}

fn events(
    subscription: Subscription,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let epoch = subscription.epoch;
    let resumed = subscription.missed.is_some();
    let hello = Event::default()
        .event("hello")
        .retry(RETRY)
        .data(format!("{{\"resumed\":{resumed}}}"));
    let hello = match &subscription.missed {
        // The id of a resumed stream moves with the changes that it missed.
        Some(_) => hello,
        None => hello.id(format!("{epoch}-{}", subscription.sequence)),
    };
    let mut ready = VecDeque::from([hello]);
    for change in subscription.missed.unwrap_or_default() {
        ready.push_back(event(&epoch, &change));
    }
    let open = Open {
        epoch,
        ready,
        changes: subscription.changes,
        ends: Instant::now() + LONGEST,
        _permit: permit,
        _counted: OpenStream::new(),
    };
    futures::stream::unfold(open, |mut open| async move {
        if let Some(event) = open.ready.pop_front() {
            return Some((Ok(event), open));
        }
        let heard = tokio::time::timeout_at(open.ends, open.changes.recv())
            .await
            .ok()?;
        let event = match heard {
            Ok(change) => event(&open.epoch, &change),
            Err(broadcast::error::RecvError::Lagged(_)) => {
                Event::default().event("resync").data("{}")
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        Some((Ok(event), open))
    })
}

fn event(epoch: &str, change: &Change) -> Event {
    Event::default()
        .event(change.name)
        .id(format!("{epoch}-{}", change.sequence))
        .data(&change.data)
}
