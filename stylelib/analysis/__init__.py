"""Measures of pictures, other implementations' weights in the paper's units, and explanatory drawings."""
