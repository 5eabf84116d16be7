"""ESI at the edge: the shell that plays the programs of `fragments.esi` over HTTP."""
