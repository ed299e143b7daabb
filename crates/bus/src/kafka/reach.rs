//! Says why the brokers do not answer. librdkafka tells a refused password or an untrusted certificate to its log and
//! error queue alone, while every call ends in a bare time-out; what it told last is kept here and put beside that.
//!
//! Before anything was ever answered, a refusal is the operator's to mend, and fatal. Afterwards it is waited out: a
//! password that is being changed, or a broker that is given another certificate, must not end a process that works.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::{BusError, ErrorKind};

/// Shared by all clients of a bus.
#[derive(Debug)]
pub(super) struct Reach {
    brokers: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    was_answered: bool,
    hindrance: Option<Hindrance>,
}

/// What stood in the way last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hindrance {
    /// The brokers refused us, or we them; another try will not help by itself.
    is_refusal: bool,
    text: String,
}

impl Reach {
    /// Of the bus at `brokers`.
    pub(super) fn new(brokers: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a client told.
    pub(super) fn told(&self, error: &KafkaError, reason: &str) {
        let KafkaError::Global(code) = error else {
            return;
        };
        let hindrance = match code {
            Code::Authentication | Code::SaslAuthenticationFailed => Hindrance {
                is_refusal: true,
                text: format!(
                    "{reason}; check sasl.mechanism, sasl.username and sasl.password in kafka.properties"
                ),
            },
            Code::SSL => Hindrance {
                is_refusal: true,
                text: format!(
                    "{reason}; name the authority that signed the brokers' certificate as ssl.ca.location in \
                     kafka.properties, and see that kafka.brokers has the port and the host name that it is made for"
                ),
            },
            // A listener that speaks another protocol hangs up; librdkafka says so in these words.
            Code::BrokerTransportFailure if reason.contains("security.protocol") => Hindrance {
                is_refusal: false,
                text: format!("{reason}; see security.protocol in kafka.properties"),
            },
            _ => return,
        };
        self.state().hindrance = Some(hindrance);
    }

    /// The brokers have answered: what stood in the way is gone.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.was_answered = true;
        state.hindrance = None;
    }

    /// The same error, with what stood in the way; of brokers that cannot be reached, with their names.
    pub(super) fn explain(&self, error: BusError) -> BusError {
        let state = self.state();
        let Some(hindrance) = &state.hindrance else {
            if error.kind != ErrorKind::Unavailable || error.to_string().contains(&self.brokers) {
                return error;
            }
            return BusError {
                reason: format!("{} ({})", error.reason, self.brokers),
                ..error
            };
        };
        if error.kind == ErrorKind::Fatal || error.reason.contains(&hindrance.text) {
            return error;
        }
        let kind = match hindrance.is_refusal && !state.was_answered {
            true => ErrorKind::Fatal,
            false => error.kind,
        };
        BusError {
            kind,
            reason: hindrance.text.clone(),
            ..error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed_out() -> BusError {
        BusError::new(ErrorKind::Unavailable, "ask for topic t", "timed out")
    }

    #[test]
    fn a_refusal_is_fatal_until_the_brokers_have_answered_once() {
        let reach = Reach::new("broker-1:9092");
        let error = reach.explain(timed_out());
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.to_string().contains("(broker-1:9092)"), "{error}");
        reach.told(&KafkaError::Global(Code::Authentication), "wrong password");
        let error = reach.explain(timed_out());
        assert_eq!(error.kind, ErrorKind::Fatal);
        assert!(error.to_string().contains("wrong password"), "{error}");
        assert!(error.to_string().contains("sasl.password"), "{error}");
        reach.answered();
        assert_eq!(
            reach.explain(timed_out()).reason,
            "timed out (broker-1:9092)"
        );
        reach.told(&KafkaError::Global(Code::SSL), "certificate verify failed");
        let error = reach.explain(timed_out());
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.to_string().contains("ssl.ca.location"), "{error}");
    }

    #[test]
    fn a_broker_that_is_away_is_no_refusal() {
        let reach = Reach::new("broker-1:9092");
        let away = KafkaError::Global(Code::BrokerTransportFailure);
        reach.told(&away, "Connect failed: Connection refused");
        assert_eq!(
            reach.explain(timed_out()).reason,
            "timed out (broker-1:9092)"
        );
        reach.told(
            &away,
            "Disconnected: see security.protocol (connecting to a SSL listener?)",
        );
        let error = reach.explain(timed_out());
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.to_string().contains("SSL listener"), "{error}");
    }
}
