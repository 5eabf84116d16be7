"""The edge: an HTTP cache that splices per-visitor fragments into anonymous page shells."""
