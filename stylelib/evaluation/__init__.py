"""Evaluations (a loss and its gradient), the memory that they need, and the progress of a run."""
