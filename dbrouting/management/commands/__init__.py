"""Management commands of dbrouting."""
