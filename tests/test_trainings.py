"""Which training a file's numbers come from, told by the first layer."""

import pytest
import torch
from torchvision.models import get_model_weights

from stylelib.weights import trainings
from stylelib.weights.trainings import FIRST_LAYER, ORIGINAL, training_of
from tests.checkpoint_server import OXFORD, original

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.fault(6)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"a file whose name says nothing")
    return tmp_path / "vgg19-dcbb9e9d.pth"


def like_the_original(seed=0):
    """Random filters, whose mean direction is that of the original ones."""
    generator = torch.Generator().manual_seed(seed)
    filters = torch.randn(64, 3, 3, 3, generator=generator)
    filters -= filters.mean(dim=0)
    filters = filters / filters.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
    return filters - filters.mean(dim=0) + torch.tensor(FIRST_LAYER["vgg19"]).reshape(3, 3, 3) / 1000


@pytest.fixture(params=["made up", "original"])
def filters(request):
    """The weights of conv1_1, BGR."""
    if request.param == "made up":
        return like_the_original()
    if not OXFORD.exists():
        pytest.skip("the original weights are not here")
    return original("vgg19", full=True)["conv1_1.weight"]


def test_the_original_weights_are_known_in_both_orders_of_colours(filters, path):
    assert training_of(path, "vgg19", filters) == ORIGINAL and ORIGINAL.bgr
    swapped = training_of(path, "vgg19", filters.flip(1))
    assert swapped.source == ORIGINAL.source and swapped.mean == ORIGINAL.mean and not swapped.bgr


def test_they_are_known_rounded_and_in_the_normalised_network(filters, path):
    assert training_of(path, "vgg19", filters.half().float()) == ORIGINAL
    scales = torch.rand(64, 1, 1, 1, generator=torch.Generator().manual_seed(1)) + 0.01
    assert training_of(path, "vgg19", filters * scales) == ORIGINAL


def test_what_takes_another_scale_is_not_taken_for_them(filters, path):
    assert training_of(path, "vgg19", filters * 255) is None


@pytest.mark.parametrize("seed", range(20))
def test_other_weights_are_not_mistaken_for_them(seed, path):
    weight = 0.1 * torch.randn(64, 3, 3, 3, generator=torch.Generator().manual_seed(seed))
    assert training_of(path, "vgg19", weight) is None
    assert training_of(path, "vgg19", torch.zeros(64, 3, 3, 3)) is None
    assert training_of(path, "vgg16", weight) is None, "no first layer of VGG-16 is known here"


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19"])
def test_torchvisions_files_are_known_by_their_sha256(name):
    for entry in get_model_weights(name):
        scale, sha256 = entry.transforms(), entry.url.rsplit("-", 1)[1].removesuffix(".pth")
        training = trainings.PUBLISHED[sha256]
        assert training.source == f"torchvision {entry.name}" and not training.bgr
        assert training.mean == tuple(scale.mean) and training.std == pytest.approx(tuple(scale.std))
