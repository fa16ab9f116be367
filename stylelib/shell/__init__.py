"""The shell: python -m stylelib. `parser` defines its options, `commands` does what they say, `running` runs a run."""
