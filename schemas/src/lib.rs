//! The contract: record types of every topic, their JSON Schemas and examples.
