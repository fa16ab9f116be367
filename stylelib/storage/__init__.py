"""Runs and recipes as files, as captions and as Python code."""
