//! The demo: the service as it is, fed by a stream of invented feedback.

use crate::config::Config;

/// Adds the stream of invented feedback to `config`, and a receiver that shows pushes in the log where none is configured.
pub(crate) fn add_to(config: &mut Config) {
    config.connect.add_demo();
}
