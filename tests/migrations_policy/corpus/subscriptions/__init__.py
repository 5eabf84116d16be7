"""A subscription business after its first stopped deploy: it uses the safe operations."""
