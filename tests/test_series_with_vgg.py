"""The series where VGG-19's and VGG-11's weights are on the machine: no notebook is edited for them.

The weights are drawn from a seed, in the files that a download leaves behind and through the loader that reads these.
"""

import dataclasses
import os
import pathlib

import nbformat
import pytest
from nbclient import NotebookClient

from stylelib.weights import networks
from stylelib.weights import store as weights

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
SERIES = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """A folder with the small files of VGG-19 and VGG-11, as `load_network` keeps them."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STYLELIB_WEIGHTS", str(folder))
        for name in ("vgg19", "vgg11"):
            drawn, published = networks._random_weights(name, 0), weights._published(name)
            drawn = dataclasses.replace(
                drawn,
                source=published.source,
                mean=published.mean,
                std=published.std,
                sha256=weights.fingerprint(drawn.tensors),
            )
            weights._keep(drawn, published.url, __file__)
    return folder


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_a_notebook_runs_with_vgg19_as_it_stands(path, downloaded):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}})
    client.execute(env={**os.environ, "STYLELIB_WEIGHTS": str(downloaded)})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = "".join(output.get("text", "") for output in outputs)
    assert "Network: vgg19, whose weights are on this machine" in said
    assert "Network: compact" not in said  # what compares with a shallow network takes VGG-11
