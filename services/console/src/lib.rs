//! REST, live stream and web page over the store. What people see is what the store holds; what they do is a command
//! that is durable on the bus before it is answered.

mod api;
mod assets;
mod attempts;
mod auth;
mod commit;
mod config;
mod drill;
mod error;
mod guard;
mod links;
pub mod metrics;
mod problem;
mod server;
mod stream;
mod watch;

pub use auth::{first_token, login_link};
pub use config::Config;
pub use drill::{Drill, Kept, Score};
pub use error::Error;
pub use server::{Mask, run};

pub(crate) use server::Console;
