"""Schema of the app."""
