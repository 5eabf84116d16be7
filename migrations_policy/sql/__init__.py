"""PostgreSQL statements as plain values, and the one adapter over the parser that makes them."""
