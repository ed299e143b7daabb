//! Config loading, telemetry, health and lifecycle; knows no service.
