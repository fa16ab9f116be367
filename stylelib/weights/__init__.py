"""Networks by name: their files, where these come from, and the paper's normalisation."""

from stylelib.weights.formats import fingerprint as fingerprint  # for programs that write a small file themselves
