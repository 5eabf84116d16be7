"""A small Django project full of what breaks page caches; the environment turns walls on."""
