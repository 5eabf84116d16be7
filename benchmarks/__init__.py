"""Load tests against the real thing and its peers, with a report."""
