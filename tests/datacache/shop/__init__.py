"""A shop of the tests."""
