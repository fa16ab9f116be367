"""A faster implementation of VGG. It computes what `VGG.forward` computes, as one operation instead of many.

PyTorch's autograd treats a network as a list of unrelated operations. A single operation for the whole network needs
less time and memory:

- The weights never change, so they are packed once for the processor.
- A ReLU is applied while a convolution writes its result, and its mask while the gradient of a pooling is written.
- The gradient with respect to a convolution's input is a convolution with the flipped filters, packed as well.
- The gradient of a Gram matrix is added in place during the backward pass.
- The first block of a large picture is computed twice, because keeping its activations takes a third of all memory.

Three precisions:

=========  =====================  =====================  ==========================================================
exact      forward in float32     backward in float32    the values of `VGG.forward`, except for the order of sums
mixed      forward in float32     backward in bfloat16   the same activations and losses, a gradient within about 1 %
fast       forward in bfloat16    backward in bfloat16   activations to 8 bits; targets must be computed in this way too
=========  =====================  =====================  ==========================================================

All activations are outputs of one autograd node, so none can be differentiated with respect to another, and there is no
second derivative. If you need these, set `net.engine = None`.

bfloat16 is faster only on processors that multiply it in hardware. On others, `choose` returns exact precision and a
note.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.engine import kernels
from stylelib.vgg import POOLINGS, VGG, begins_block

PRECISIONS = ("exact", "mixed", "fast")
LARGE = 2**26  # bytes; if a layer of block 1 is as large, computing it twice saves a third of all memory for 5 % time
SHAPES = 2  # input shapes for which weights stay packed, usually those of the optimised picture and the style image
Weights = tuple[Tensor, Tensor | None]
Products = Sequence[tuple[str, Tensor]]


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 in hardware, faster than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not kernels.packs(torch.bfloat16):
        return False
    questions = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # private to torch, so they may vanish
    return any(getattr(torch.cpu, question, bool)() for question in questions)


def choose(precision: str, device: torch.device) -> tuple[str, "Engine | None", str]:
    """Choose the fastest implementation that a device has for a precision.

    Parameters
    ----------
    precision : str
        One of `PRECISIONS`.
    device : torch.device
        The network's device.

    Returns
    -------
    precision : str
        The one asked for, or "exact".
    engine : Engine or None
        None stands for the readable `VGG.forward`.
    note : str
        Why it is not the precision asked for, or "".
    """
    note = ""
    if precision != "exact" and not multiplies_bfloat16(device):
        note = f"{precision} precision needs a processor that multiplies bfloat16; this one computes exactly."
        precision = "exact"
    if device.type == "cuda" and precision != "exact":
        return precision, Engine(precision), note
    if device.type != "cpu" or not kernels.packs(torch.float32):
        return "exact", None, note
    return precision, Engine(precision), note


def keeps(net: VGG, layer: str, pictures: Tensor) -> bool:
    """Return whether a layer's activations are kept for the backward pass; if not, they are computed a second time."""
    count, _, height, width = pictures.shape
    return not layer.startswith("conv1_") or 4 * net.filters(layer) * count * height * width < LARGE


class Engine:
    """Compute a VGG's activations; made by `choose`, stored as `net.engine`, called by `net(pictures, layers)`.

    Parameters
    ----------
    precision : str
        One of `PRECISIONS`.
    """

    def __init__(self, precision: str = "exact") -> None:
        self.forward_type = torch.bfloat16 if precision == "fast" else torch.float32
        self.backward_type = torch.float32 if precision == "exact" else torch.bfloat16
        self.precision = precision
        # {(layer, back, dtype, device): {shape: (state of the original weights, packed weights)}}
        self._packed: dict[tuple[Any, ...], dict[torch.Size | None, tuple[Any, Weights | None]]] = {}
        self._states: dict[str, Any] = {}  # of each layer's weights, see `_state`
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: Any) -> "Engine":
        return Engine(self.precision)  # because packed weights cannot be copied

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return Engine, (self.precision,)

    def takes(self, net: VGG, x: Tensor) -> bool:
        """Return whether it can compute the activations of these normalised pictures; if not, `VGG.forward` does.

        It cannot if the network is being trained, or has hooks or a pooling of your own. It also cannot if values are
        not finite or close to overflow, because oneDNN's ReLU would silently turn infinities into zeros.
        """
        if x.dtype != torch.float32 or x.device.type not in ("cpu", "cuda") or net.pool is not POOLINGS[net.pooling]:
            return False
        for convolution in net.convolutions.values():
            if type(convolution) is not torch.nn.Conv2d or any(one.requires_grad for one in convolution.parameters()):
                return False
            kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
            if any(getattr(convolution, kind) for kind in kinds):
                return False
        return x.device.type == "cuda" or x.detach().abs().amax().item() < 1e6

    def __call__(self, net: VGG, x: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        """Return the activations of some layers, {layer: (N, C, h, w)}, float32.

        Parameters
        ----------
        net : VGG
            The network.
        x : Tensor
            Normalised pictures, (N, 3, H, W), float32.
        wanted : Sequence of str
            The layers.
        """
        layers = net.layers[: max(map(net.layers.index, wanted)) + 1]
        wanted = [layer for layer in layers if layer in wanted]
        if torch.is_grad_enabled() and x.requires_grad:
            activations = _Evaluation.apply(x, self, net, layers, wanted)
            return dict(zip(wanted, activations, strict=True))
        with torch.no_grad():
            x = self.convert(x)
            return {layer: seen.float() for layer, seen in self.forward(net, x, layers) if layer in wanted}

    def memory(self, net: VGG, pictures: Tensor, numbers: dict[str, int], layers: Sequence[str], runs: int) -> int:
        """Estimate the bytes of an evaluation, for `VGG.memory`. numbers: the count of each layer's activations."""
        largest = max(numbers.values()) * (4 if net.pooling == "max" else 2)  # max also stores the maxima's positions
        held = sum(count for layer, count in numbers.items() if layer in layers or keeps(net, layer, pictures))
        fast = self.precision == "fast"
        returned = sum(numbers[layer] for layer in layers) if fast or runs > 1 else 0  # copies of the activations
        return (2 if fast else 4) * (held + largest) + 4 * returned

    def convert(self, x: Tensor) -> Tensor:
        """Return normalised pictures in the type and the memory layout that `forward` needs."""
        return x.to(self.forward_type).contiguous(memory_format=torch.channels_last)

    def forward(self, net: VGG, x: Tensor, layers: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, activation) of the network's first layers. x: what `convert` returned."""
        for layer in layers:
            if begins_block(layer):
                x = net.pool(x, 2)
            x = self._convolve(net, layer, x)
            yield layer, x

    def backward(
        self,
        net: VGG,
        x: Tensor,
        layers: Sequence[str],
        activations: dict[str, Tensor],
        outside: dict[str, Tensor],
        products: Products = (),
    ) -> Tensor | None:
        """Return the gradient with respect to the normalised pictures; None if no layer has a gradient.

        Parameters
        ----------
        net : VGG
            The network.
        x : Tensor
            The pictures, as `convert` returns them.
        layers : Sequence of str
            The network's first layers.
        activations : dict
            {layer: activation} of the layers that were kept; the others are computed again. Each is removed once it
            has been used, to free its memory.
        outside : dict
            {layer: gradient of the losses with respect to its activation}; emptied as well.
        products : Sequence
            Pairs of a layer and a matrix (B, N, N), whose product with the activation is added to that gradient.
        """
        gradient: Tensor | None = None
        for depth in reversed(range(len(layers))):
            layer = layers[depth]
            if layer not in activations:
                activations.update(self.forward(net, x, layers[: depth + 1]))
            unrounded = activations.pop(layer)
            activation = unrounded.to(self.backward_type)
            pooled = gradient is not None and gradient.shape != activation.shape  # a pooling comes after this layer
            if gradient is not None and pooled:
                gradient = kernels.before_pooling(net.pooling, gradient, activation, unrounded)
            own = outside.pop(layer, None)
            if own is not None:
                own = own.to(self.backward_type)
                gradient = own.clone(memory_format=torch.channels_last) if gradient is None else gradient.add_(own)
            factors = [factor.to(self.backward_type) for name, factor in products if name == layer]
            for factor in factors:
                gradient = torch.zeros_like(activation) if gradient is None else gradient
                gradient = gradient.contiguous(memory_format=torch.channels_last)  # nearly always without a copy
                kernels.rows(gradient).baddbmm_(kernels.rows(activation), factor)
            if gradient is None:  # no loss looks at this layer or a deeper one
                continue
            if own is not None or factors or not pooled:  # else `before_pooling` has applied the ReLU's mask
                torch.ops.aten.threshold_backward.grad_input(gradient, activation, 0, grad_input=gradient)
            del unrounded, activation  # the next gradient needs their memory
            gradient = self._convolve(net, layer, gradient, back=True)
        return gradient

    def packed(self) -> list[Weights | None]:
        """Return all weights that are packed now, because a captured CUDA graph must keep them alive."""
        with self._lock:
            return [packed for shapes in self._packed.values() for _, packed in shapes.values()]

    def _convolve(self, net: VGG, layer: str, x: Tensor, back: bool = False) -> Tensor:
        """Convolve and apply the ReLU; in the backward pass, convolve with the flipped filters instead."""
        weight, bias = self._weights(net, layer, x, back)
        if kernels.packed_for(x):
            return kernels.convolve(x, weight, bias, relu=not back)
        result = torch.nn.functional.conv2d(x, weight, bias, padding=1)
        return result if back else result.relu_()

    def _weights(self, net: VGG, layer: str, x: Tensor, back: bool) -> Weights:
        """Return the weights prepared for inputs like x; they are prepared again after the network's have changed."""
        weight, bias = (parameter.detach() for parameter in net.convolutions[layer].parameters())
        if not back:  # the backward pass uses the weights of the forward pass
            self._states[layer] = _state(weight), _state(bias)
        state = self._states[layer]
        shape = x.shape if kernels.packed_for(x) else None  # only packed weights depend on the shape
        with self._lock:  # because two threads may share a network
            shapes = self._packed.setdefault((layer, back, x.dtype, x.device), {})
            known, packed = shapes.pop(shape, (None, None))
            if packed is None or known != state:
                packed = self._pack(net, layer, weight, bias, x, back)
            shapes[shape] = state, packed
            while len(shapes) > SHAPES:
                del shapes[next(iter(shapes))]
        return packed

    def _pack(self, net: VGG, layer: str, weight: Tensor, bias: Tensor, x: Tensor, back: bool) -> Weights:
        if back:
            weight = weight.transpose(0, 1).flip(2, 3)
            if net.pooling == "avg" and begins_block(layer):
                weight = weight / 4  # the factor of average pooling, which `before_pooling` leaves out
        weight = weight.to(x.dtype).contiguous(memory_format=torch.channels_last)
        if kernels.packed_for(x):
            weight = kernels.pack(weight, x.shape)
        return weight, None if back else bias.to(x.dtype)


class _Evaluation(torch.autograd.Function):
    """Normalised pictures → activations of the wanted layers, and back, as one node of autograd's graph."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, engine: Engine, net: VGG, layers: list[str], wanted: list[str]
    ) -> tuple[Tensor, ...]:
        ctx.engine, ctx.net, ctx.layers, ctx.wanted, ctx.x = engine, net, layers, wanted, engine.convert(x)
        ctx.activations, ctx.products, results = {}, [], []  # products: see _GramMatrix
        for layer, activation in engine.forward(net, ctx.x, layers):
            if layer in wanted:
                # detach: a tensor with the same memory but without the graph, which would otherwise keep itself alive
                results.append(activation.detach().float())
            if keeps(net, layer, x):
                ctx.activations[layer] = activation
        ctx.versions = {layer: activation._version for layer, activation in ctx.activations.items()}
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        kept = ((layer, activation) for layer, activation in ctx.activations.items() if layer in ctx.versions)
        if any(activation._version != ctx.versions[layer] for layer, activation in kept):
            raise RuntimeError("An activation was changed in place, so its gradient is lost; change a copy of it.")
        outside = {layer: one for layer, one in zip(ctx.wanted, gradients, strict=True) if one is not None}
        products, ctx.products = ctx.products, []
        engine: Engine = ctx.engine
        gradient = engine.backward(ctx.net, ctx.x, ctx.layers, ctx.activations, outside, products)
        return None if gradient is None else gradient.float(), None, None, None, None


class _GramMatrix(torch.autograd.Function):
    """Activations (B, N, h, w) → F Fᵀ of each picture, (B, N, N). The derivative is one matrix product.

    That product is as large as the activation. For the engine's own activations, the engine computes it during the
    backward pass and adds it to its gradient, so that only one of them is in memory at a time. The gradient with
    respect to the picture is complete, but autograd cannot return the one with respect to the activation.
    """

    @staticmethod
    def forward(ctx: Any, activations: Tensor) -> Tensor:
        node: Any = activations.grad_fn
        ctx.engine_node = node if isinstance(node, _Evaluation._backward_cls) else None
        if ctx.engine_node is None:
            ctx.save_for_backward(activations)
        else:
            ctx.layer = node.wanted[activations.output_nr]
        features = activations.flatten(2)
        return features @ features.transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor | None:
        both = gradient + gradient.transpose(1, 2)
        if ctx.engine_node is not None:
            ctx.engine_node.products.append((ctx.layer, both))
            return None
        (activations,) = ctx.saved_tensors
        if activations.is_contiguous(memory_format=torch.channels_last):
            return kernels.from_rows(kernels.rows(activations) @ both, activations.shape)
        product: Tensor = both @ activations.flatten(2)
        return product.reshape(activations.shape)


def gram_matrix(activations: Tensor) -> Tensor:
    """Compute what `stylelib.losses.gram_matrix` computes, but with gradients only with respect to the picture.

    Parameters
    ----------
    activations : Tensor
        (B, N, h, w), from a network.

    Returns
    -------
    Tensor
        (B, N, N).
    """
    gram: Tensor = _GramMatrix.apply(activations)
    return gram


def _state(tensor: Tensor) -> tuple[int, int, float]:
    """Change detector: `_version` catches in-place operations, the sum catches writes through .data and NumPy."""
    version = 0 if tensor.is_inference() else tensor._version
    return tensor.data_ptr(), version, tensor.sum().item() if tensor.device.type == "cpu" else 0.0
