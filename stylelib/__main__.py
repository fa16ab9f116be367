"""`python -m stylelib`: see `stylelib.shell`."""

import sys

from stylelib.shell.commands import run

sys.exit(run())
