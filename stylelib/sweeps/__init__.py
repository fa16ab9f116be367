"""Sweeps: many runs with one call, computed on all cores or on many machines, and kept in a folder.

    recipes = grid(Recipe("transfer", "riverside"), style=["night_swirls", "woodcut"], alpha_beta=[0.02, 0.2, 2])
    results = sweep(recipes, "my_sweep")  # repeat the call to compute what is missing
    contact_sheet(results, columns=3)

===========  ==============================================================
file         what it holds
===========  ==============================================================
`grids`      the recipes of a sweep
`sweeping`   the sweep itself, and the contact sheet of its results
`jobs`       recipes as jobs: their names and their files
`parcels`    what is sent to a worker
`workers`    processes of this machine that compute
`computing`  what a worker does with a parcel
`together`   several runs evaluated as one batch
`labels`     names for the runs, and the error that says what failed
===========  ==============================================================
"""

from stylelib.sweeps.grids import grid
from stylelib.sweeps.jobs import Result
from stylelib.sweeps.labels import SweepError
from stylelib.sweeps.sweeping import contact_sheet, sweep

__all__ = ["Result", "SweepError", "contact_sheet", "grid", "sweep"]
