"""Filters made by hand, put beside the trained ones: eyes for what a small distilled network leaves unseen.

A student that copies SqueezeNet hardly sees fine colour, and forgets plain colour with depth. What a network does not
see, an optimisation through it does not mend: pictures come out hatched and grey. So each layer of the networks that
are shipped has, beside its trained filters, some whose weights nobody trained:

- ten **colours**: how far a pixel is above or below each of a few levels of lightness, red against green, and blue
  against yellow, both ways round;
- sixteen **bands** in each block: second differences of lightness (one for light lines, one for dark ones) and of
  the two colour axes in four directions, at the scale of the block; they answer to lines, edges and hatching of that
  scale. Deeper blocks carry the bands of the shallower ones on: of the last two scales as they are, of older ones
  summed over the directions.

Average pooling turns these into local strengths: a pyramid of oriented filters (Heeger and Bergen, 1995), inside a VGG.
"""

import torch
from networks import INPUT_MEAN, INPUT_STD, LAYOUTS, Student, layer_names
from torch.nn import functional as F

AXES = {"lightness": (0.3, 0.59, 0.11), "red-green": (1, -1, 0), "blue-yellow": (-0.5, -0.5, 1)}
# (axis, sign, level): the filter's answer is what sign * (colour - level) is above 0.
COLOURS = (
    [("lightness", 1, level) for level in (0, 0.5, 0.75)]
    + [("lightness", -1, level) for level in (1, 0.5, 0.25)]
    + [(axis, sign, 0) for axis in ("red-green", "blue-yellow") for sign in (1, -1)]
)
# What lines can differ in from their surroundings: a sign and an axis.
TONES = {
    "light": (1, "lightness"),
    "dark": (-1, "lightness"),
    "red-green": (1, "red-green"),
    "blue-yellow": (1, "blue-yellow"),
}
DIRECTIONS = [((1, 0), (1, 2)), ((0, 1), (2, 1)), ((0, 0), (2, 2)), ((0, 2), (2, 0))]  # a 3 x 3 filter's two ends
# How many trained filters are kept in each block, the loudest ones: hand-made ones beside them do part of the work of
# the others, and the networks stay fast, the files below 6 and 4 MB.
KEPT = {"compact": (16, 44, 98, 222, 206), "compact11": (16, 44, 98, 160, 146)}
# How loud the bands of a block are after stylelib's activation normalisation, where all other filters are at 1; it
# holds a filter down that is quieter than LEAST_SHARE of its layer.
LOUDNESS = {1: 0.2, 2: 0.5}
LEAST_SHARE = 0.05


def second_differences() -> torch.Tensor:
    """(4, 3, 3): the middle minus the mean of its two neighbours, in four directions."""
    filters = torch.zeros(len(DIRECTIONS), 3, 3)
    for one, ends in zip(filters, DIRECTIONS, strict=True):
        one[1, 1] = 1
        for end in ends:
            one[end] = -0.5
    return filters


def kinds(block: int) -> list[tuple]:
    """What each hand-made filter of a block answers to, in their order."""
    bands = [
        ("band", scale, tone, direction)
        for scale in range(max(1, block - 2), block + 1)
        for tone in TONES
        for direction in range(4)
    ]
    sums = [("sum", scale, tone) for scale in range(1, block - 2) for tone in TONES]
    return [("colour", *colour) for colour in COLOURS] + bands + sums


def first_filters() -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (26, 3, 3, 3) and biases (26,) of conv1_1's hand-made filters, for normalised pictures."""
    weights, biases, mean = [], [], torch.tensor(INPUT_MEAN)
    for kind, *what in kinds(1):
        weight = torch.zeros(3, 3, 3)
        if kind == "colour":
            axis, sign, level = what
            colour = sign * torch.tensor(AXES[axis], dtype=torch.float32)
            weight[:, 1, 1] = colour * INPUT_STD
            biases.append((colour @ mean).item() - sign * level)
        else:
            _, tone, direction = what
            sign, axis = TONES[tone]
            colour = sign * torch.tensor(AXES[axis], dtype=torch.float32)
            weight += colour[:, None, None] * INPUT_STD * second_differences()[direction]
            biases.append(0.0)
        weights.append(weight)
    return torch.stack(weights), torch.tensor(biases)


def next_filters(before: int, block: int, trained: int) -> torch.Tensor:
    """Weights of a later layer's hand-made filters; their biases are 0.

    before: the block of the layer before, whose first `trained` filters are trained ones.
    """
    place = {kind: trained + index for index, kind in enumerate(kinds(before))}
    weights = torch.zeros(len(kinds(block)), trained + len(place), 3, 3)
    for weight, kind in zip(weights, kinds(block), strict=True):
        if kind in place:  # carried on
            weight[place[kind], 1, 1] = 1
        elif kind[0] == "sum":
            for direction in range(4):
                weight[place["band", *kind[1:], direction], 1, 1] = 0.25
        else:  # a band of this block's own scale, from the colours
            _, _, tone, direction = kind
            sign, axis = TONES[tone]
            weight[place["colour", axis, 1, 0]] = sign * second_differences()[direction]
            if axis != "lightness":  # which is never below its level 0
                weight[place["colour", axis, -1, 0]] = -sign * second_differences()[direction]
    return weights


@torch.no_grad()
def compose(source: Student, layout: str, pictures: torch.Tensor, ridge: float = 1e-4) -> dict[str, torch.Tensor]:
    """The tensors of a network with hand-made filters beside those of `source`, which may be of another layout.

    Layer by layer, the loudest filters of the source's layer are chosen, and made anew as the linear map from 3 x 3
    neighbourhoods of all filters below that foretells them best on `pictures` (ridge regression, in closed form): so
    filters may be left out and layers too.
    """
    depth = {block: len(widths) for block, widths in enumerate(LAYOUTS[source.layout], start=1)}
    goals = source.answers(pictures)
    current, tensors, before = (pictures - source.mean) / INPUT_STD, {}, 0
    names = layer_names(layout)
    for name in names:
        block, index = int(name[4]), int(name[6])
        if index == 1 and block > 1:
            current = F.avg_pool2d(current, 2)
        last = f"conv{block}_{index + 1}" not in names
        goal = goals[f"conv{block}_{depth[block] if last else index}"]
        width = KEPT[layout][block - 1]
        loudest = F.relu(goal).mean((0, 2, 3)).argsort(descending=True)[:width].sort().values
        weight, bias = fit(current, goal[:, loudest], ridge)
        if before:
            handmade = next_filters(before, block, KEPT[layout][before - 1])
            biases = torch.zeros(len(handmade))
        else:
            handmade, biases = first_filters()
        tensors[f"{name}.weight"] = torch.cat([weight, handmade])
        tensors[f"{name}.bias"] = torch.cat([bias, biases])
        current = F.relu(F.conv2d(current, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1))
        before = block
    return equalize(tensors, pictures, source)


def equalize(tensors: dict[str, torch.Tensor], pictures: torch.Tensor, source: Student) -> dict[str, torch.Tensor]:
    """The same network with its filters equally loud: the mean activation of each over `pictures` is 1.

    A positive factor passes through a ReLU, so nothing else changes. Fine colour is faint in photographs, and its
    filters would be quiet among the loud ones. Only the bands of the first blocks stay below 1, see LOUDNESS: they
    answer so sharply to a change of a pixel that plain areas would take an optimisation very many steps.
    """
    equal, current, incoming = {}, (pictures - source.mean) / INPUT_STD, torch.ones(3)
    for name in [key.removesuffix(".weight") for key in tensors if key.endswith(".weight")]:
        if name.endswith("_1") and name != "conv1_1":
            current = F.avg_pool2d(current, 2)
        weight, bias = tensors[f"{name}.weight"] * incoming[:, None, None], tensors[f"{name}.bias"]
        current = F.relu(F.conv2d(current, weight, bias, padding=1))
        means = current.mean((0, 2, 3))
        means = means.clamp(min=1e-3 * means.median())  # a filter that hardly ever fires is not blown up
        loudness, handmade = LOUDNESS.get(int(name[4]), 1.0), kinds(int(name[4]))
        bands = torch.tensor([False] * (len(means) - len(handmade)) + [kind[0] != "colour" for kind in handmade])
        if loudness < 1:
            means[bands] /= loudness * LEAST_SHARE * (~bands).float().mean()
        equal[f"{name}.weight"], equal[f"{name}.bias"] = weight / means[:, None, None, None], bias / means
        current, incoming = current / means[:, None, None], means
    return equal


def fit(inputs: torch.Tensor, goals: torch.Tensor, ridge: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The 3 x 3 convolution (weight, bias) of `inputs` that foretells `goals` best."""
    product, answer = 0, 0
    for some, wanted in zip(inputs.split(4), goals.split(4), strict=True):
        patches = F.unfold(some, 3, padding=1).transpose(0, 1).flatten(1)
        patches = torch.cat([patches, torch.ones_like(patches[:1])])
        product = product + patches @ patches.T
        answer = answer + patches @ wanted.transpose(0, 1).flatten(1).T
    product = product + ridge * product.diagonal().mean() * torch.eye(len(product))
    solution = torch.linalg.solve(product, answer).T
    return solution[:, :-1].reshape(goals.shape[1], inputs.shape[1], 3, 3), solution[:, -1]
