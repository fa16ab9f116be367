"""What can be added from outside, one small base class each.

=================  =====================================================================  =========================
base class         what a subclass writes                                                 built in
=================  =====================================================================  =========================
Term               `losses(pictures, activations)`                                        Content, Style, Smoothness
Statistic          `__call__(activations, mask)`                                          Gram, MeanStd
Network            `forward(pictures, layers)`                                            VGG
Optimizer          `start(parameters, evaluation)` and `step(state)`                      LBFGS, Adam
Parameterization   `encode(picture)` and `decode(parameters)`                             Pixels
=================  =====================================================================  =========================

All but Network also write `arguments()`, what the constructor was called with, so that a saved run can make them anew.
"""

from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Optimizer
from stylelib.protocols.parameterization import Parameterization, Pixels
from stylelib.protocols.statistic import Gram, MeanStd, Statistic
from stylelib.protocols.term import Term

__all__ = ["Gram", "MeanStd", "Network", "Optimizer", "Parameterization", "Pixels", "Statistic", "Term"]
