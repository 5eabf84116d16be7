"""Django database routing over PostgreSQL replicas, with failover and read-your-writes."""
