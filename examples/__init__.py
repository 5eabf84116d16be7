"""Small shops of Lumen & Loam's kind: examples of two-pass pages, never part of the wheel."""
