"""The teacher: VGG-19 as stylelib loads it, and the choice of the filters that the student imitates."""

import torch
from student import block_of, layer_names

import stylelib


class Teacher:
    """VGG-19, activation-normalised, with average pooling: exactly what the product optimises with.

    Parameters
    ----------
    network
        Anything that, called with pictures and names of layers, returns {layer: activations}.
    layout
        Of the student. Each of its layers imitates the teacher's layer of the same name.
    """

    def __init__(self, network, layout: str):
        self.network, self.layers = network, layer_names(layout)

    @classmethod
    def load(cls, layout: str, precision: str = "fast") -> "Teacher":
        """VGG-19 from the folder that STYLELIB_WEIGHTS names (or stylelib's own)."""
        return cls(stylelib.load_network("vgg19", precision=precision), layout)

    @torch.no_grad()
    def __call__(self, crops: torch.Tensor) -> dict[str, torch.Tensor]:
        """All activations of the layers that the student has, (N, C, h, w) each."""
        return self.network(crops, self.layers)


@torch.no_grad()
def choose_filters(teacher: Teacher, crops: torch.Tensor, widths: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Which of the teacher's filters the student imitates, in each layer: those that best explain all the others.

    The filter of most energy comes first, what it explains (linearly) is taken out of all the others, and so on. Sparse
    filters answer loudly where they answer, once their means are 1, and Gram matrices are mostly about them, so they
    come early, as they should. All this needs only the filters' mean products: it is a pivoted Cholesky factorisation.

    Returns
    -------
    dict
        For each layer the numbers of the chosen filters, ascending.
    """
    products: dict[str, torch.Tensor] = {}
    for batch in crops.split(8):
        for layer, activation in teacher(batch).items():
            flat = activation.transpose(0, 1).flatten(1)
            products[layer] = products.get(layer, 0) + (flat @ flat.T / flat.shape[1]).double()
    chosen = {}
    for layer, rest in products.items():
        numbers: list[int] = []
        for _ in range(min(widths[block_of(layer) - 1], len(rest))):
            energy = rest.diagonal().clone()
            energy[numbers] = -1
            numbers.append(int(energy.argmax()))
            column = rest[:, numbers[-1]]
            rest = rest - torch.outer(column, column) / column[numbers[-1]].clamp(min=1e-12)
        chosen[layer] = torch.tensor(sorted(numbers))
    return chosen
