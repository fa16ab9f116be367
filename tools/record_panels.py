"""Record the runs of the notebooks' live panels; each panel takes minutes.

python tools/record_panels.py notebooks/recordings                             # all of them
python tools/record_panels.py notebooks/recordings 02_content_reconstruction   # or one
"""

import argparse
import pathlib
from collections.abc import Sequence

from stylelib.paper import recordings
from stylelib.studio.panels import PANELS
from stylelib.support.errors import check_choice


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a recording for each named panel."""
    parser = argparse.ArgumentParser(description="Record the runs of the notebooks' live panels.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PANELS)}; all of them by default")
    options = parser.parse_args(arguments)
    for name in [check_choice("panel", name, PANELS) for name in options.names] or PANELS:
        panel = PANELS[name]
        recording = recordings.make(panel.recipe, panel.knobs, report=lambda made: print(made, flush=True))
        path = recordings.save(recording, options.folder / f"{name}.zip")
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
