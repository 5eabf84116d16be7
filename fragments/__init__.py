"""The wire contract between edge and origin: pure code, no I/O, no clock, no framework."""
