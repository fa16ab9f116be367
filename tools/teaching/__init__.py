"""The editions of the series for a class, and its course for nbgrader. The texts are in docs/teaching."""
