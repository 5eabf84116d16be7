"""The table that `datacache` reads."""
