"""Migration rules, linter, lock trace and guarded migrate for Django on PostgreSQL."""
