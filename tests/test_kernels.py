"""What the engine is built from, each part against plain PyTorch."""

import types

import pytest
import torch
import torch.nn.functional as F

from stylelib.engine import kernels


@pytest.fixture
def asks_again(monkeypatch):
    """`packs` without its memory."""
    monkeypatch.setattr(kernels, "packs", kernels.packs.__wrapped__)


def stop_packing(monkeypatch, pack):
    monkeypatch.setattr(torch, "ops", types.SimpleNamespace(mkldnn=types.SimpleNamespace(**pack)))


def refuse(*_):
    raise RuntimeError("mkldnn_reorder_conv2d_weight: bf16 path needs the cpu support avx_ne_convert or avx512bw")


@pytest.mark.parametrize("operations", [{}, {"_reorder_convolution_weight": refuse}], ids=["gone", "refused"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_processor_or_a_build_that_cannot_pack_is_found_out_by_trying(operations, dtype, asks_again, monkeypatch):
    stop_packing(monkeypatch, operations)
    assert not kernels.packs(dtype)


def test_a_wrong_result_counts_as_none(asks_again, monkeypatch):
    monkeypatch.setattr(kernels, "pack", lambda weight, shape: weight)
    monkeypatch.setattr(kernels, "convolve", lambda x, packed, bias, relu: torch.zeros(1, 4, 6, 7))
    assert not kernels.packs(torch.float32)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
@pytest.mark.parametrize("relu", [True, False])
def test_a_packed_convolution_is_the_plain_one(relu, dtype, tolerance, seeded):
    if not kernels.packs(dtype):
        pytest.skip(f"this machine does not pack {dtype}")
    x, weight, bias = (torch.randn(*shape, generator=seeded) for shape in ((2, 5, 9, 7), (4, 5, 3, 3), (4,)))
    expected = F.conv2d(x, weight, bias, padding=1)
    expected = expected.relu() if relu else expected
    x, weight = (tensor.to(dtype).contiguous(memory_format=torch.channels_last) for tensor in (x, weight))
    result = kernels.convolve(x, kernels.pack(weight, x.shape), bias.to(dtype), relu)
    assert result.dtype == dtype and result.is_contiguous(memory_format=torch.channels_last)
    assert (result.float() - expected).norm() < tolerance * expected.norm()


@pytest.mark.parametrize("pooling, factor", [("avg", 4), ("max", 1)])
@pytest.mark.parametrize("size", [(8, 6), (7, 6), (8, 5), (3, 3)])
def test_the_gradient_before_a_pooling_is_autograds(pooling, factor, size, seeded):
    x = torch.randn(2, 3, *size, generator=seeded).contiguous(memory_format=torch.channels_last).requires_grad_(True)
    activation = x.relu()
    pooled = {"avg": F.avg_pool2d, "max": F.max_pool2d}[pooling](activation, 2)
    gradient = torch.randn(pooled.shape, generator=seeded).contiguous(memory_format=torch.channels_last)
    (expected,) = torch.autograd.grad(pooled, x, gradient)
    activation = activation.detach()
    assert torch.allclose(kernels.before_pooling(pooling, gradient, activation, activation), factor * expected)


def test_rows_share_the_memory_and_come_back(seeded):
    activations = torch.rand(2, 5, 4, 3, generator=seeded).contiguous(memory_format=torch.channels_last)
    rows = kernels.rows(activations)
    assert rows.shape == (2, 12, 5) and rows.data_ptr() == activations.data_ptr()
    assert torch.equal(rows[1, 3 * 2 + 1], activations[1, :, 2, 1])
    assert torch.equal(kernels.from_rows(rows, activations.shape), activations)
