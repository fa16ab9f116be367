"""Measure how fast stylelib is: `python -m tools.benchmarks`. README.md has the results."""
