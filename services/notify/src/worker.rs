//! The one part that touches the network: every attempt handed in comes back exactly once with how it ended, within the
//! time-out.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wensheng_runtime::guard::{PublicOnly, Refused, check_host, is_refused, words};

use crate::ledger::{Attempt, Ended};
use crate::mailer::Mailer;
use crate::provider::{HttpAnswer, HttpRequest, Payload, Reply};
use crate::{Config, Error, ReceiverKind};

/// A name that does not answer or a host that is down shows sooner than a slow answer.
const CONNECT_SECONDS: u64 = 5;

/// As much of an answer as is read.
const ANSWER_BYTES: usize = 64 * 1024;

/// What to do where a target inside is meant.
pub(crate) const ALLOW: &str = "set `notify.allow_private_targets` if that is meant";

/// An attempt, and the token that keeps the process from ending before its end is booked.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) attempt: Attempt,
    pub(crate) token: TaskTrackerToken,
}

/// The end of a job.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) ended: Ended,
    pub(crate) token: TaskTrackerToken,
}

/// How receivers are called, in the order of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    lines: Vec<Line>,
    timeout_seconds: u64,
}

#[derive(Debug, Clone)]
enum Line {
    Log(String),
    Http { client: Client, public_only: bool },
    Mail(Mailer),
}

impl Worker {
    /// Builds the HTTP clients that the receivers need.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let base = || {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .timeout(Duration::from_secs(config.timeout_seconds))
                .connect_timeout(Duration::from_secs(
                    CONNECT_SECONDS.min(config.timeout_seconds),
                ))
                .user_agent(concat!("wensheng/", env!("CARGO_PKG_VERSION")))
        };
        let mut open = None;
        let mut guarded = None;
        let mut lines = Vec::new();
        for receiver in &config.receivers {
            lines.push(match receiver.kind {
                ReceiverKind::Log => Line::Log(receiver.name.clone()),
                ReceiverKind::Email => Line::Mail(Mailer::new(
                    receiver,
                    Duration::from_secs(config.timeout_seconds),
                )?),
                ReceiverKind::Webhook if !config.allow_private_targets => Line::Http {
                    client: shared(&mut guarded, || base().dns_resolver(PublicOnly))?,
                    public_only: true,
                },
                _ => Line::Http {
                    client: shared(&mut open, base)?,
                    public_only: false,
                },
            });
        }
        Ok(Self {
            lines,
            timeout_seconds: config.timeout_seconds,
        })
    }

    /// Works until no more jobs can come. What is under way then is dropped: its push goes on from the ledger.
    pub(crate) async fn run(self, mut jobs: UnboundedReceiver<Job>, done: UnboundedSender<Done>) {
        let mut tasks = JoinSet::new();
        loop {
            // Ends before beginnings, so that the set does not grow. A task that panics would leave its push under way
            // for ever; none can, and should one, it is told.
            tokio::select! {
                biased;
                Some(task) = tasks.join_next() => {
                    if let Err(error) = task {
                        tracing::error!(%error, "attempt broke off");
                    }
                }
                job = jobs.recv() => {
                    let Some(job) = job else { return };
                    let worker = self.clone();
                    let done = done.clone();
                    tasks.spawn(async move {
                        let ended = worker.attempt(job.attempt).await;
                        // Nobody listens when the stage is gone; the push goes on from the ledger.
                        if done.send(Done { ended, token: job.token }).is_err() {
                            tracing::debug!("an attempt ended after its stage");
                        }
                    });
                }
            }
        }
    }

    async fn attempt(&self, attempt: Attempt) -> Ended {
        let reply = match (attempt.payload, self.lines.get(attempt.receiver)) {
            (Payload::Log(card), line) => {
                let receiver = match line {
                    Some(Line::Log(name)) => name.as_str(),
                    _ => "log",
                };
                tracing::info!(receiver, "push\n{card}");
                Reply::Printed
            }
            (
                Payload::Http(request),
                Some(Line::Http {
                    client,
                    public_only,
                }),
            ) => self.post(client, *public_only, request).await,
            (Payload::Mail(mail), Some(Line::Mail(mailer))) => {
                mailer.send(&mail, self.timeout_seconds).await
            }
            (Payload::Http(_) | Payload::Mail(_), _) => {
                Reply::Unreachable("no such receiver".to_owned())
            }
        };
        Ended {
            pushes: attempt.pushes,
            number: attempt.number,
            receiver: attempt.receiver,
            reply,
        }
    }

    async fn post(&self, client: &Client, public_only: bool, request: HttpRequest) -> Reply {
        if let Some(refused) = check_host(&request.url).err().filter(|_| public_only) {
            return Reply::Refused(format!("target {refused}; {ALLOW}"));
        }
        let mut post = match request.body {
            Some(body) => client.post(request.url).body(body),
            None => client.get(request.url),
        };
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        match post.send().await {
            Ok(response) => self.read(response).await,
            Err(error) if is_refused(&error) => {
                Reply::Refused(format!("target {Refused}; {ALLOW}"))
            }
            Err(error) if error.is_connect() || error.is_builder() => {
                Reply::Unreachable(format!("not reached: {}", words(error)))
            }
            Err(error) => self.unanswered(error),
        }
    }

    async fn read(&self, mut response: reqwest::Response) -> Reply {
        let mut answer = HttpAnswer {
            status: response.status().as_u16(),
            ..HttpAnswer::default()
        };
        for (name, value) in response.headers() {
            if let Ok(value) = value.to_str() {
                answer
                    .headers
                    .insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let room = ANSWER_BYTES - answer.body.len();
                    answer
                        .body
                        .extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if answer.body.len() == ANSWER_BYTES {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => return self.unanswered(error),
            }
        }
        Reply::Answered(answer)
    }

    fn unanswered(&self, error: reqwest::Error) -> Reply {
        Reply::Unanswered(if error.is_timeout() {
            format!("no answer within {} s", self.timeout_seconds)
        } else {
            format!("connection broke off: {}", words(error))
        })
    }
}

fn shared(
    slot: &mut Option<Client>,
    build: impl FnOnce() -> ClientBuilder,
) -> Result<Client, Error> {
    if let Some(client) = slot {
        return Ok(client.clone());
    }
    let client = build()
        .build()
        .map_err(|error| Error::Client(words(error)))?;
    Ok(slot.insert(client).clone())
}
