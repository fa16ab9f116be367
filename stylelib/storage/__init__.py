"""Runs and recipes as files, as captions, and as lines of Python."""
