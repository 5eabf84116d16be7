"""How long the migrations policy takes: lint of a long history, trace of one migration."""
