"""How fast stylelib is, measured: `python -m stylelib.benchmarks`. Not part of what a user imports; see README.md."""
