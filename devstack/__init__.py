"""Real PostgreSQL (a primary, two streaming replicas) and Redis for tests, demo and benchmarks."""
