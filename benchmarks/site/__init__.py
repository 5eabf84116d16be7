"""A small Django project whose pages have a known size and known holes."""
