//! Pushes notifications to chat robots and webhooks and keeps the delivery ledger.
