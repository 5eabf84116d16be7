"""Real PostgreSQL: a primary and streaming replicas."""
