"""push-or-poll: what a move from HTTP polling to WebSocket push does to five measures."""
