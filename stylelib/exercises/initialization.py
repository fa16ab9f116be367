"""The exercises of notebook 04."""

EXERCISES = {}
