"""Where responses are kept: bounded in bytes, found by key, dropped by label."""
