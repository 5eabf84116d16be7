"""Django's PostgreSQL backend over several replicas: one alias, a node per query."""
