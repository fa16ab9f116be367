"""The exercises of notebook 02."""

from stylelib import losses
from stylelib.exercises.checking import Choice, Exercise, random_activations
from stylelib.experiments import reconstruct_content

HIDDEN = "conv3_2"  # the answer to exercise 2: look away


def hidden_reconstruction(photo, net):
    """The run of exercise 2: the photo, reconstructed from a layer that is not said."""
    return reconstruct_content(photo, HIDDEN, net, seed=7)


def _printed(f, p):
    return losses.content_loss(f, p, "printed")


def _two_layers(f1, p1, f2, p2, w):
    return w * losses.content_loss(f1, p1) + (1 - w) * losses.content_loss(f2, p2)


def _random_layers(generator):
    """F and P of a wide layer with few filters, F and P of a coarse one with more and louder ones, and a weight."""
    wide = [random_activations(generator)[:1] for _ in range(2)]
    coarse = [3 * random_activations(generator)[:1, :, :2, :2] for _ in range(2)]
    return *wide, *coarse, 0.2


EXERCISES = {
    "content_loss": Exercise(
        inputs=lambda generator: (random_activations(generator)[:1], random_activations(generator)[:1]),
        reference=_printed,
        mistakes={
            "The 1/2 in front of the sum is missing.": lambda f, p: 2 * _printed(f, p),
            "That is the mean over the entries; equation 1 as printed is half their sum.": (
                lambda f, p: (f - p).square().mean()
            ),
            "That is half the mean over the entries; equation 1 as printed sums them.": (
                lambda f, p: (f - p).square().mean() / 2
            ),
            "You divided by the target's size: that is the relative convention; the printed one is asked for.": (
                losses.content_loss
            ),
            "The differences are not squared, only made positive.": lambda f, p: (f - p).abs().sum() / 2,
            "You added up before you squared: opposite errors cancel, and almost any picture would do.": (
                lambda f, p: (f - p).sum().square() / 2
            ),
            "You took a square root at the end; the loss is the sum of squares itself.": (
                lambda f, p: (f - p).square().sum().sqrt() / 2
            ),
            "You subtracted the squares; square the difference.": lambda f, p: (f.square() - p.square()).sum() / 2,
            "You compared the Gram matrices: that is style, blind to place; content compares place by place.": (
                lambda f, p: (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum() / 2
            ),
        },
        praise="Equation 1: place by place, filter by filter, how far the answers are from what they should be.",
    ),
    "hidden_layer": Choice(
        right=HIDDEN,
        wrong={
            "conv1_2": "From conv1_2 even the grain of single pixels comes back; compare the pixel error with the "
            "table of Figure 1.",
            "conv2_2": "Close, but from conv2_2 the colours come back almost untouched; measure the error at conv2_2, "
            "and at the layer after it.",
            "conv4_2": "That deep most of the colours are gone; here the lemon is still yellow. Measure the error at "
            "conv4_2, and at the layer before it.",
            "conv5_2": "From conv5_2 hardly more than large shapes come back. Where, from the shallow layers to the "
            "deep ones, does the content error fall most steeply?",
        },
        praise="Its content error is near 0 from that layer on and large before it. A layer's answers settle those of "
        "every layer after it, and of none before it.",
    ),
    "two_layer_loss": Exercise(
        inputs=_random_layers,
        reference=_two_layers,
        mistakes={
            "The weights are the wrong way round: w belongs to the first layer, 1 − w to the second.": (
                lambda f1, p1, f2, p2, w: _two_layers(f2, p2, f1, p1, w)
            ),
            "Both layers count alike in yours; the weights w and 1 − w are missing.": (
                lambda f1, p1, f2, p2, w: _two_layers(f1, p1, f2, p2, 0.5) * 2
            ),
            "Both layers count by a half in yours, whatever w is.": (
                lambda f1, p1, f2, p2, w: _two_layers(f1, p1, f2, p2, 0.5)
            ),
            "The first layer has its weight w; the second needs 1 − w.": (
                lambda f1, p1, f2, p2, w: w * losses.content_loss(f1, p1) + losses.content_loss(f2, p2)
            ),
            "The second layer is missing.": lambda f1, p1, f2, p2, w: w * losses.content_loss(f1, p1),
            "The errors are not divided by Σ P²: then the louder layer wins, whatever the weights are.": (
                lambda f1, p1, f2, p2, w: w * (f1 - p1).square().sum() + (1 - w) * (f2 - p2).square().sum()
            ),
            "You put both layers over one Σ P²; each error is measured by the size of its own target.": (
                lambda f1, p1, f2, p2, w: (
                    (w * (f1 - p1).square().sum() + (1 - w) * (f2 - p2).square().sum())
                    / (p1.square().sum() + p2.square().sum())
                )
            ),
            "You divided by the picture's own Σ F²; the target P stays the same during a run, F does not.": (
                lambda f1, p1, f2, p2, w: _two_layers(p1, f1, p2, f2, w)
            ),
            "You multiplied the two errors; add them, or one of them at 0 hides the other.": (
                lambda f1, p1, f2, p2, w: w * losses.content_loss(f1, p1) * (1 - w) * losses.content_loss(f2, p2)
            ),
        },
        praise="A loss for each layer, in one currency, with a weight: equation 5 will do the same for style.",
    ),
}
