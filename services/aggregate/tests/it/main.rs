//! The stage as the loop drives it: batches in, records out, restarts between.

mod detection;
mod windows;
mod world;
