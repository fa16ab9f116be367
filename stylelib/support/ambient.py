"""Torch's settings around this package's computations, so that no number depends on what the caller has set.

A tensor that the package makes names its type itself, because the default type belongs to all threads of a program.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Context manager, and decorator: settings that change numbers, or keep gradients from being computed, are undone.

    There is no inference mode and no autocast, new tensors are made on the CPU, and products of float32 matrices are
    not rounded to fewer bits. Whether gradients are recorded stays as it is.
    """
    with contextlib.ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))  # which switches gradients on
            stack.enter_context(torch.no_grad())
        for kind in ("cpu", "cuda", "mps"):
            with contextlib.suppress(RuntimeError):  # older versions of torch know no autocast on MPS
                if torch.is_autocast_enabled(kind):
                    stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.empty(0).device.type != "cpu":  # older versions of torch do not say otherwise
            stack.enter_context(torch.device("cpu"))
        _make_products_exact(stack)
        yield


def _make_products_exact(stack: contextlib.ExitStack) -> None:
    backends: Any = torch.backends
    switches = [backends.mkldnn, backends.cuda]
    switches = [switch.matmul for switch in switches if hasattr(getattr(switch, "matmul", None), "fp32_precision")]
    for switch in switches:
        if (before := switch.fp32_precision) not in ("none", "ieee"):
            stack.callback(setattr, switch, "fp32_precision", before)
            switch.fp32_precision = "ieee"
    if not switches and (before := torch.get_float32_matmul_precision()) != "highest":  # older versions of torch
        stack.callback(torch.set_float32_matmul_precision, before)
        torch.set_float32_matmul_precision("highest")
