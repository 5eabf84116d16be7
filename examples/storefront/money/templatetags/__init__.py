"""Template tags of the money app."""
