"""Replica routing, side by side: ours, Django alone, django-multidb-router, libpq's host list."""
