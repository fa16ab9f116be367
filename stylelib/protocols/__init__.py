"""Base classes for what you can add from outside: terms, statistics, networks, optimisers, parameterizations.

=================  =====================================================================  =========================
base class         what a subclass writes                                                 built in
=================  =====================================================================  =========================
Term               `losses(pictures, activations)`                                        Content, Style, Smoothness
Statistic          `__call__(activations, mask)`                                          Gram, MeanStd
Network            `forward(pictures, layers)`                                            VGG
Optimizer          `start(parameters, evaluation)` and `step(state)`                      LBFGS, Adam
Parameterization   `encode(picture)` and `decode(parameters)`                             Pixels
=================  =====================================================================  =========================

Except for networks, a subclass also writes `arguments()`, which returns the constructor's arguments, so that runs with
it can be saved. A network gets a name with `stylelib.register_network` instead.
"""

from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Optimizer
from stylelib.protocols.parameterization import Parameterization, Pixels
from stylelib.protocols.statistic import Gram, MeanStd, Statistic
from stylelib.protocols.term import Term

__all__ = ["Gram", "MeanStd", "Network", "Optimizer", "Parameterization", "Pixels", "Statistic", "Term"]
