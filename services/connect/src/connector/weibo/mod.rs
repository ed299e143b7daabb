//! What is said to an account on Weibo is read back to what was read before, newest first; the watermark moves only when
//! a walk got there, and a walk that the platform cut off first is told as a gap.
//!
//! Posts that mention the account, comments that mention it, comments on its posts, comments on posts named one by one,
//! and, where it is paid for, search.

mod config;
mod input;
mod item;
mod walk;

pub use config::{SearchConfig, WeiboConfig};
