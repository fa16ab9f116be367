"""The loss of a picture and its gradient, the memory that takes, and what a run has computed so far."""
