"""The storefront as benchmarks run it: on PostgreSQL, with customers who are signed in."""
