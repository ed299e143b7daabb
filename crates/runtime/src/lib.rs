//! A process tells all that is wrong with its configuration before it binds anything, says what it waits for while it
//! runs, and drains before it ends.
//!
//! What every service needs and none owns: [`load`] for configuration, [`encode`] and [`decode`] between contract types
//! and bus records, [`Handle`] for shutdown and health, telemetry, the operations endpoint, and the [`guard`] of configured addresses.

pub mod aliyun;
mod codec;
mod config;
pub mod guard;
mod handle;
mod ops;
mod problems;
mod secret;
mod stages;
mod telemetry;
mod ticket;

pub use codec::{DecodeError, dead_letter, decode, encode, topic_specs};
pub use config::{ConfigError, Document, json_schema, load, parse};
pub use handle::{Handle, Health, HealthReport};
pub use ops::{OpsConfig, OpsError, serve_ops};
pub use problems::{Check, Problem, Problems};
pub use secret::Secret;
pub use stages::{SessionConfig, run_sessions};
pub use telemetry::{LogFormat, Telemetry, TelemetryConfig, TelemetryError};
pub use ticket::{TicketError, TicketKey};
