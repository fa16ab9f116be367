"""The shell: python -m stylelib. `parser` holds its options, `commands` what each does, `running` a run's way there."""
