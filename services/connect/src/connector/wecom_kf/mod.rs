//! What customers write to WeChat customer service (微信客服) is fetched page by page and taken in once; the platform's
//! callback only wakes the fetching, which goes on without it.

mod callback;
mod config;
mod message;
mod sync;
#[cfg(test)]
mod tests;

pub use config::WecomKfConfig;
