"""How fast stylelib is, measured: `python -m tools.benchmarks`. Not part of what a user imports; see README.md."""
