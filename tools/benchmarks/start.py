"""Where L-BFGS starts: its first guess scales each frequency f of the picture with a negative power of f, or does not.

L-BFGS first assumes that the loss curves equally in all directions. A run on scaled Fourier coefficients begins with
another assumption: coarse changes matter more than fine ones. All pairs, from both starts, with equal work.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

import torch
from torch import Tensor

import stylelib
from stylelib.analysis.measures import fine_energy
from stylelib.experiments import ALPHA_BETA

POWERS = (0.25, 0.5, 1.0)
ALPHA_BETAS = {"content": ALPHA_BETA, "noise": 4 * ALPHA_BETA}  # {start: α/β}
STEPS, SIZE = 100, 128


class Frequencies(stylelib.Parameterization):
    """Fourier coefficients in units of a negative power of their frequency: equal steps move slow waves further."""

    def __init__(self, height: int, width: int, power: float):
        self.height, self.width, self.power = height, width, power
        down, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
        frequency = (down**2 + across**2).sqrt().clamp(min=1 / max(height, width))
        self.amplitude = (frequency**-power)[..., None]

    def encode(self, picture: Tensor) -> Tensor:
        """Return the coefficients of (N, 3, H, W) as (N, 3, H, W // 2 + 1, 2)."""
        return torch.view_as_real(torch.fft.rfft2(picture, norm="ortho")) / self.amplitude.to(picture.device)

    def decode(self, parameters: Tensor) -> Tensor:
        """Return the picture, (N, 3, H, W)."""
        scaled = torch.view_as_complex(parameters * self.amplitude.to(parameters.device))
        return torch.fft.irfft2(scaled, s=(self.height, self.width), norm="ortho")

    def arguments(self) -> dict[str, Any]:
        """Return what makes the same again."""
        return {"height": self.height, "width": self.width, "power": self.power}


def compare(pair: tuple[str, str], init: str, net: stylelib.Network, size: int = SIZE) -> dict[str, list[float]]:
    """Return {power: [loss, fine grain]} after STEPS steps; the power 0 stands for the pixels."""
    photo, painting = (stylelib.load_image(name, size) for name in pair)
    settings = {"init": init, "alpha_beta": ALPHA_BETAS[init], "steps": STEPS, "tolerance": 0}
    found = {}
    for power in (0.0, *POWERS):
        numbers = Frequencies(*photo.shape[-2:], power) if power else None
        run = stylelib.style_transfer(photo, painting, net, **settings, parameterization=numbers).finish()
        found[f"{power:g}"] = [min(record.loss for record in run.history), fine_energy(run.image.cpu())]
    return found


def table(numbers: dict[str, dict[str, dict[str, list[float]]]]) -> str:
    """Return a row for each network and start: medians as shares of the pixels', and how often the loss is lower."""
    rows = ["| network | from | pairs | " + " | ".join(f"f^-{power:g}" for power in POWERS) + " |", "| --- " * 6 + "|"]
    for key, found in numbers.items():
        rows.append(f"| {' | '.join(key.split())} | {len(found)} | {' | '.join(_cells(list(found.values())))} |")
    return "\n".join(rows)


def _cells(results: Sequence[dict[str, list[float]]]) -> list[str]:
    cells = []
    for power in POWERS:
        shares = [[one / plain for one, plain in zip(row[f"{power:g}"], row["0"], strict=True)] for row in results]
        loss, grain = (median(column) for column in zip(*shares, strict=True))
        wins = sum(share[0] < 1 for share in shares)
        cells.append(f"{loss:.3f} ({grain:.2f}), lower in {wins}")
    return cells
