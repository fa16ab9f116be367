"""A hub for a class: settings, and a measurement of what a class needs."""
