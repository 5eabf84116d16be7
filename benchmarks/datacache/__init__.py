"""Data caches: rebuilding every page, and single reads against peers."""
