//! The demo: the service as it is, fed by a stream of invented feedback.

use wensheng_connect::{DemoConfig, SourceConfig};
use wensheng_runtime::Secret;

use crate::config::Config;

/// Adds the stream of invented feedback to `config`.
pub(crate) fn add_to(config: &mut Config) {
    config
        .connect
        .sources
        .push(SourceConfig::Demo(DemoConfig::default()));
    if config.connect.pseudonym_key.is_empty() {
        // Invented authors have nothing to hide; real ones need a key of the operator's own.
        config.connect.pseudonym_key = Secret::new("invented authors only");
    }
}
