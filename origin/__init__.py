"""The Django side of two-pass rendering: views, tags, middleware, invalidation, data caches."""
