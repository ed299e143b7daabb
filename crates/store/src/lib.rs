//! The query store: windows, feedback, alerts and deliveries on SQLite or PostgreSQL.
