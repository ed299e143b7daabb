//! The query store: windows, feedback, alerts and deliveries on SQLite or PostgreSQL.
//!
//! A batch is applied with its progress in one transaction, so that what was applied is never applied again; everything
//! else reads. [`Writer`] is for `publish` alone; the console and the command line read through [`Store`].

mod alerts;
mod audit;
mod batch;
mod config;
mod corrections;
mod database;
mod dead_letters;
mod erase;
mod error;
mod feedback;
mod fold;
mod hot;
mod insert;
mod instant;
mod judged;
mod migrate;
mod names;
mod ratings;
mod rises;
mod rows;
mod sources;
mod statement;
mod store;
mod timeline;
mod tokens;
mod windows;
mod writer;

pub use alerts::{AlertDetail, AlertFilter, DeliveryAttempt};
pub use audit::AuditEntry;
pub use batch::{Applied, Entry, PartitionProgress, RowCounts, WriteBatch};
pub use config::StoreConfig;
pub use corrections::Corrected;
pub use dead_letters::{DeadLetterCursor, DeadLetterPage};
pub use erase::Erased;
pub use error::{StoreError, StoreErrorKind};
pub use feedback::{FeedbackCursor, FeedbackFilter, FeedbackPage};
pub use hot::{Hot, HotFilter, HotTerm};
pub use judged::{Judged, JudgedBrand, JudgedRule, Precision, Reason};
pub use ratings::{RatedBy, RatedQuestion};
pub use store::Store;
pub use timeline::Proof;
pub use tokens::{NewToken, Role, Token};
pub use windows::{Dimension, SeriesPoint, Sum, WindowFilter};
pub use writer::Writer;
