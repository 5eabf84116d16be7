"""Lumen & Loam: a complete Django shop, served in two passes."""
