"""The series where VGG-19's and VGG-11's weights are on the machine: no notebook is edited for them.

The weights are drawn from a seed, and kept in the small files that a download leaves behind.
"""

import json
import os
import pathlib

import nbformat
import pytest
import safetensors.torch
from nbclient import NotebookClient

import stylelib
from stylelib.weights.formats import fingerprint

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
SERIES = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """A folder with the small files of VGG-19 and VGG-11, as `load_network` keeps them."""
    folder = tmp_path_factory.mktemp("weights")
    for name in ("vgg19", "vgg11"):
        net = stylelib.load_network(f"{name}-random", normalize=False, device="cpu")
        tensors = {
            f"{layer}.{part}": getattr(convolution, part).detach().contiguous()
            for layer, convolution in net.convolutions.items()
            for part in ("weight", "bias")
        }
        header = {"name": name, "source": "drawn from a seed for this test", "sha256": fingerprint(tensors)}
        header |= {f"input_{part}": json.dumps(getattr(net, part).flatten().tolist()) for part in ("mean", "std")}
        safetensors.torch.save_file(tensors, folder / f"{name}.safetensors", header)
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
