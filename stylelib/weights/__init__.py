"""Networks by name: their files, where these come from, and the paper's normalisation."""
