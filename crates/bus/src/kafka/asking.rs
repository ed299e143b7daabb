//! A client that is only asked questions, and replaced when it has lost sight of a partition.
//!
//! librdkafka 2.12 answers where a partition ends from a cache, and calls a partition unknown without asking anybody when
//! its entry there is incomplete. After brokers stood still, such an entry has been seen to stay for good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::context::Quiet;
use super::reach::Reach;

pub(super) struct Asking {
    config: ClientConfig,
    reach: Arc<Reach>,
    client: Mutex<Arc<BaseConsumer<Quiet>>>,
}

impl Asking {
    pub(super) fn open(config: ClientConfig, reach: &Arc<Reach>) -> Result<Self, KafkaError> {
        let client = config.create_with_context(Quiet::new(reach))?;
        Ok(Self {
            config,
            reach: reach.clone(),
            client: Mutex::new(Arc::new(client)),
        })
    }

    /// Asks. Where the client knows no such partition, the next question is asked of a new one. Blocking.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&BaseConsumer<Quiet>) -> Result<T, KafkaError>,
    ) -> Result<T, KafkaError> {
        let client = self.client();
        let answer = question(&client);
        if let Err(error) = &answer
            && error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownPartition)
        {
            self.replace(&client);
        }
        answer
    }

    /// Takes in what the client told meanwhile, which would pile up otherwise.
    pub(super) fn listen(&self, time: Duration) {
        drop(self.client().poll(time));
    }

    fn client(&self) -> Arc<BaseConsumer<Quiet>> {
        self.client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Unless another question has replaced it already.
    fn replace(&self, old: &Arc<BaseConsumer<Quiet>>) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&client, old) {
            return;
        }
        match self.config.create_with_context(Quiet::new(&self.reach)) {
            Ok(new) => *client = Arc::new(new),
            Err(error) => tracing::debug!(%error, "no new client could be made: the old one stays"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::Consumer;
    use rdkafka::mocking::MockCluster;

    use super::super::KafkaConfig;
    use super::super::replay::ASK;
    use super::*;

    #[test]
    fn a_client_that_knows_no_such_partition_is_replaced_and_another_error_leaves_it() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 2, 1).unwrap();
        let config = KafkaConfig {
            brokers: cluster.bootstrap_servers(),
            ..KafkaConfig::default()
        };
        let reach = Arc::new(Reach::new(&config.brokers));
        let asking = Asking::open(config.asking(true), &reach).unwrap();
        let first = asking.client();
        let end = |partition| asking.ask(|client| client.fetch_watermarks("t", partition, ASK));

        assert_eq!(end(1), Ok((0, 0)));
        let timed_out: Result<(), _> = asking.ask(|_| {
            Err(KafkaError::MetadataFetch(
                RDKafkaErrorCode::OperationTimedOut,
            ))
        });
        assert!(timed_out.is_err());
        assert!(Arc::ptr_eq(&first, &asking.client()));

        assert_eq!(
            end(2),
            Err(KafkaError::MetadataFetch(
                RDKafkaErrorCode::UnknownPartition
            ))
        );
        assert!(!Arc::ptr_eq(&first, &asking.client()));
        assert_eq!(end(1), Ok((0, 0)));
    }
}
