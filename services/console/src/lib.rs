//! REST, SSE and the web page over the store.
