"""The shop's range, customers, reviews and posts: the same on every machine."""
