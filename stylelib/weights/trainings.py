"""Which training a file's numbers come from: the same shapes were trained on RGB from 0 to 1 and on BGR from 0 to 255.

The original weights of Simonyan and Zisserman exist in many files: Keras' .h5, conversions of the Caffe model into
torchvision's layout, and the one that L. Gatys publishes. They are recognised by their first layer and not by a file's
name, because with the wrong order or scale of colours a network runs and sees something else.
"""

import dataclasses
import pathlib

import torch
from torch import Tensor

from stylelib.support.files import file_sha256

Numbers = tuple[float, float, float]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures that torchvision's weights expect
ORIGINAL_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)  # of those that the original weights expect, in RGB
ORIGINAL_STD = (1 / 255, 1 / 255, 1 / 255)


@dataclasses.dataclass(frozen=True)
class Training:
    """What is known of how some weights were trained.

    Attributes
    ----------
    source : str
        A line for captions; empty if unknown.
    mean, std : tuple of float
        Subtracted from an RGB picture of 0 to 1, and divided out.
    bgr : bool
        Whether the first layer takes blue, green, red, as in Caffe.
    """

    source: str
    mean: Numbers
    std: Numbers
    bgr: bool


ORIGINAL = Training("original weights, Simonyan and Zisserman 2014, CC BY 4.0", ORIGINAL_MEAN, ORIGINAL_STD, bgr=True)
TORCHVISION = Training("torchvision IMAGENET1K_V1", MEAN, STD, bgr=False)
PUBLISHED = {  # files by the beginning of their SHA-256
    "8a719046": TORCHVISION,  # VGG-11
    "19584684": TORCHVISION,  # VGG-13
    "397923af": TORCHVISION,  # VGG-16
    "dcbb9e9d": TORCHVISION,  # VGG-19
    "88682ab5": Training("torchvision IMAGENET1K_FEATURES", (0.48235, 0.45882, 0.40784), ORIGINAL_STD, bgr=False),
    "00b39a1b": ORIGINAL,  # VGG-16, converted from Caffe by J. Johnson
    "d01eb7cb": ORIGINAL,  # VGG-19, likewise
}
# The mean over conv1_1's filters, each divided by its norm, in thousandths: channel (BGR), row, column. It is the same
# if filters are rescaled, as in the normalised network of Gatys et al.
FIRST_LAYER = {
    "vgg19": (
        9.1, 5.4, -0.5, 18.9, 25.9, 9.1, 7.2, 14.7, 5.0,
        -11.1, -17.9, -25.0, -1.1, 3.8, -14.6, -11.7, -5.7, -16.5,
        -13.4, -17.6, -26.9, -0.8, 6.6, -13.6, -11.6, -3.2, -15.8,
    )
}  # fmt: skip
TOLERANCE = 0.1  # relative; the two orders of colours are 1.27 apart
LARGEST_NORM = 3.0  # of a filter of conv1_1, at most 1.7 in the original weights, which take 0 to 255


def training_of(path: pathlib.Path, architecture: str, first_layer: Tensor) -> Training | None:
    """Recognise a published training.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    architecture : str
        "vgg19", for example.
    first_layer : Tensor
        The weights of conv1_1 in it, (C, 3, 3, 3).

    Returns
    -------
    Training or None
        None if it is none of those that are known here.
    """
    if architecture in FIRST_LAYER and first_layer.flatten(1).norm(dim=1).max() < LARGEST_NORM:
        expected = torch.tensor(FIRST_LAYER[architecture], dtype=torch.float32).reshape(3, 3, 3) / 1000
        filters = first_layer / first_layer.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, 1, 1, 1)
        for bgr in (True, False):
            found = filters.mean(dim=0) if bgr else filters.mean(dim=0).flip(0)
            if (found - expected).norm() < TOLERANCE * expected.norm():
                return dataclasses.replace(ORIGINAL, bgr=bgr)
    return PUBLISHED.get(file_sha256(path)[:8])
