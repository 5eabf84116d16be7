"""Breaks what the tests guard, and sees them go red."""
