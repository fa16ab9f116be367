"""The ground that everything stands on: errors, files, pictures by name, the machine."""
