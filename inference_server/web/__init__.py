"""HTTP and WebSocket on top of the use cases."""
