"""Helpers that everything else uses: errors, files, bundled pictures, masks, plots, the machine."""
