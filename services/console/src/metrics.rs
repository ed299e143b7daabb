//! The console's metrics; their names are a contract with dashboards.

/// Requests answered, by `method` and `status`.
pub const REQUESTS: &str = "wensheng_console_requests_total";
/// Tokens refused as wrong or revoked.
pub const REFUSED_TOKENS: &str = "wensheng_console_refused_tokens_total";
/// Commands committed to the bus, by `action`.
pub const COMMANDS: &str = "wensheng_console_commands_total";
/// Live streams open now.
pub const STREAMS: &str = "wensheng_console_streams";

pub(crate) fn count_request(method: &'static str, status: u16) {
    metrics::counter!(REQUESTS, "method" => method, "status" => status.to_string()).increment(1);
}

pub(crate) fn count_refused_token() {
    metrics::counter!(REFUSED_TOKENS).increment(1);
}

pub(crate) fn count_command(action: &'static str) {
    metrics::counter!(COMMANDS, "action" => action).increment(1);
}

/// Counts a live stream for as long as it exists.
pub(crate) struct OpenStream;

impl OpenStream {
    pub(crate) fn new() -> Self {
        metrics::gauge!(STREAMS).increment(1.0);
        Self
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        metrics::gauge!(STREAMS).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn metric_names_are_pinned() {
        assert_eq!(
            [
                super::REQUESTS,
                super::REFUSED_TOKENS,
                super::COMMANDS,
                super::STREAMS
            ],
            [
                "wensheng_console_requests_total",
                "wensheng_console_refused_tokens_total",
                "wensheng_console_commands_total",
                "wensheng_console_streams",
            ]
        );
    }
}
