"""The admin API and its dashboard, on a port of their own."""
