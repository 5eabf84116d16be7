"""The demo: the shop behind the edge, in one command that cleans up after itself."""
