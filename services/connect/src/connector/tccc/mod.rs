//! Calls of Tencent Cloud Contact Center (腾讯云联络中心): what is pushed of a call in any order, and what is read again on a
//! schedule, is one event; the platform sends again until it is told `ErrCode: 0`.

mod config;
mod part;
mod parties;
mod push;
mod reconcile;
#[cfg(test)]
mod tests;

pub use config::{ReconcileConfig, TcccConfig};
