"""Models of the dbrouting tests."""
