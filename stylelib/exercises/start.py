"""The exercise of notebook 00."""

import torch

from stylelib.exercises.checking import Exercise, table

EXERCISES = {
    "mean_colour": Exercise(
        inputs=lambda generator: (torch.rand(1, 3, 6, 8, generator=generator, dtype=torch.float64),),
        reference=lambda picture: picture.mean(dim=(0, 2, 3)),
        mistakes={
            "That is the sum; divide by the number of pixels, or use .mean.": lambda picture: picture.sum(
                dim=(0, 2, 3)
            ),
            "Red and blue are swapped: the colours stand in the order red, green, blue.": (
                lambda picture: picture.mean(dim=(0, 2, 3)).flip(0)
            ),
            "All three numbers are the mean over all colours; keep the colours apart.": (
                lambda picture: picture.mean().expand(3)
            ),
            "That is one mean over everything; keep the colours, dimension 1, apart.": lambda picture: picture.mean(),
            "You averaged over the colours, dimension 1; average over the pixels.": lambda picture: picture.mean(dim=1),
            "That is the mean of each row of pixels; average over dimension 2 as well.": (
                lambda picture: picture.mean(dim=3)
            ),
            "That is the mean of each column of pixels; average over dimension 3 as well.": (
                lambda picture: picture.mean(dim=2)
            ),
            "That is the brightest value of each colour, not the mean.": lambda picture: picture.amax(dim=(0, 2, 3)),
            "That is the colour of one pixel alone.": lambda picture: picture[0, :, 0, 0],
            "That is the median, which is near the mean but not the same.": (
                lambda picture: picture.flatten(2).median(dim=2).values[0]
            ),
        },
        example={"picture": table((0.2, 0.6), (0.4, 0.4), (0.9, 0.3))[None, :, None]},
        praise="This is a very simple style: it says which colours there are, but not where. The Gram matrix says "
        "more.",
    ),
}
