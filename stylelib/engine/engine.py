"""The same network, faster. Nothing in here is needed to understand the method: `VGG.forward` says what it computes.

PyTorch's autograd treats a network as a list of unrelated operations. Here the whole way from picture to activations,
and back from their gradients to the picture's, is one operation, which knows what this network is: the weights never
change, so they are packed once for the processor; a ReLU is done while a convolution writes its result; the gradient
with respect to a convolution's input is itself a convolution, with the filters turned round, packed as well; the ReLU's
mask is applied while the gradient of a pooling is spread; and what a Gram matrix adds to a gradient is added in place,
where the way back comes by. Of large pictures the first block is computed twice rather than kept.

Three precisions:

=========  =====================  =====================  ==========================================================
exact      forward in float32     backward in float32    the readable network's values, but for the order of sums
mixed      forward in float32     backward in bfloat16   the same activations and losses, a gradient within about 1 %
fast       forward in bfloat16    backward in bfloat16   activations to 8 bits; targets must be computed like that too
=========  =====================  =====================  ==========================================================

Like any loss's target, the activations come out side by side: a gradient of one with respect to another does not exist,
nor does a second derivative. Whoever wants to look into the network sets `net.engine = None`.

bfloat16 pays only where a processor multiplies it in hardware. What is missing on a machine is not emulated: the next
more exact precision is taken, and `choose` says so.
"""

import functools
import threading

import torch
import torch.nn.functional as F

PRECISIONS = ("exact", "mixed", "fast")
from stylelib.vgg import POOLINGS

LARGE = 2**26  # bytes of a layer from which the first block is computed twice: a third of all memory for 5 % more time
SHAPES = 2  # of pictures for which weights stay packed: usually the one that is optimised and its style image


@functools.cache
def packs(dtype):
    """Whether oneDNN's convolution with packed weights works here for a dtype, found out by computing one.

    macOS and some builds of torch lack it; bfloat16 needs AVX-512 or AVX-NE-CONVERT besides.
    """
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(1, 5, 6, 7, generator=generator), torch.randn(4, 5, 3, 3, generator=generator)
    expected = F.conv2d(x, weight, torch.ones(4), padding=1).relu()
    x, weight = (one.to(dtype).contiguous(memory_format=torch.channels_last) for one in (x, weight))
    try:
        seen = _convolve_packed(x, _packed(weight, x.shape), torch.ones(4, dtype=dtype), "relu")
    except (AttributeError, RuntimeError, TypeError):  # these operations are private to torch and may change
        return False
    return torch.allclose(seen.float(), expected, atol=1e-4 if dtype == torch.float32 else 0.2)


def multiplies_bfloat16(device):
    """Whether the device multiplies bfloat16 in hardware, faster than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    asks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, ask, bool)() for ask in asks) and packs(torch.bfloat16)


def choose(precision, device):
    """What the device can do best: (precision, an Engine or None for the readable path, a sentence or "").

    The sentence says what was asked for and cannot be had.
    """
    missing = ""
    if precision != "exact" and not multiplies_bfloat16(device):
        missing = f"{precision} precision needs a processor that multiplies bfloat16; this one computes exactly."
        precision = "exact"
    if device.type == "cuda" and precision != "exact":
        return precision, Engine(precision), missing
    if device.type != "cpu" or not packs(torch.float32):
        return "exact", None, missing
    return precision, Engine(precision), missing


def keeps(net, layer, pictures):
    """Whether a layer's activations are kept for the way back, or computed a second time."""
    count, _, height, width = pictures.shape
    return not layer.startswith("conv1_") or 4 * net.filters(layer) * count * height * width < LARGE


class Engine:
    """Evaluates a VGG; made by `choose`, kept as `net.engine`, called by `net(pictures, layers)`."""

    def __init__(self, precision="exact"):
        self.forward_type = torch.bfloat16 if precision == "fast" else torch.float32
        self.backward_type = torch.float32 if precision == "exact" else torch.bfloat16
        self.precision = precision
        self._packed, self._traces, self._lock = {}, {}, threading.Lock()

    def __deepcopy__(self, memo):
        return Engine(self.precision)  # packed weights cannot be copied, only made anew

    def __reduce__(self):
        return Engine, (self.precision,)

    def takes(self, net, x):
        """Whether it can evaluate these pictures; whatever is out of the ordinary goes the readable way.

        So does a picture with values that are not finite, or so large that they will not stay so: oneDNN's ReLU would
        turn them into zeros, and nobody would hear of it.
        """
        if x.dtype != torch.float32 or x.device.type not in ("cpu", "cuda") or net.pool is not POOLINGS[net.pooling]:
            return False
        for one in net.convolutions.values():
            if type(one) is not torch.nn.Conv2d or one.weight.requires_grad or one.bias.requires_grad:
                return False
            if any((one._forward_hooks, one._forward_pre_hooks, one._backward_hooks, one._backward_pre_hooks)):
                return False  # somebody wants to look inside
        return x.device.type == "cuda" or x.detach().abs().amax().item() < 1e6

    def __call__(self, net, x, wanted):
        """{layer: activation}, float32, of the layers wanted. x: normalised pictures (N, 3, H, W), float32."""
        layers = net.layers[: max(map(net.layers.index, wanted)) + 1]
        wanted = [layer for layer in layers if layer in wanted]
        if torch.is_grad_enabled() and x.requires_grad:
            return dict(zip(wanted, _Evaluation.apply(x, self, net, layers, wanted), strict=True))
        with torch.no_grad():
            x = self.enter(x)
            return {layer: seen.float() for layer, seen in self.forward(net, x, layers) if layer in wanted}

    def memory(self, net, pictures, numbers, layers, runs):
        """Bytes that an evaluation needs, as `VGG.memory` explains. numbers: {layer: how many activations it has}."""
        largest = max(numbers.values()) * (4 if net.pooling == "max" else 2)  # max: places of the maxima besides
        held = sum(count for layer, count in numbers.items() if layer in layers or keeps(net, layer, pictures))
        fast = self.precision == "fast"
        handed_out = sum(numbers[layer] for layer in layers) if fast or runs > 1 else 0
        return (2 if fast else 4) * (held + largest) + 4 * handed_out

    def enter(self, x):
        return x.to(self.forward_type).contiguous(memory_format=torch.channels_last)

    def forward(self, net, x, layers):
        """Yield (layer, activation) of the first layers of the network. x: as `enter` gives it."""
        for layer in layers:
            if _begins_block(layer):
                x = net.pool(x, 2)
            x = self._convolve(net, layer, x)
            yield layer, x

    def backward(self, net, entered, layers, activations, outside, products=()):
        """Gradient with respect to what entered the network.

        activations: {layer: activation}, as far as they were kept; the others are computed again. Taken out as they are
        used, so that their memory is free. outside: {layer: gradient with respect to its activation, from the losses}.
        products: pairs of a layer and a matrix (B, N, N); their product with the activation is to be added to that.
        """
        gradient = None
        for depth in reversed(range(len(layers))):
            layer = layers[depth]
            if layer not in activations:
                activations.update(self.forward(net, entered, layers[: depth + 1]))
            seen = activations.pop(layer)
            activation = seen.to(self.backward_type)
            pooled = gradient is not None and gradient.shape != activation.shape  # by what lies between two blocks
            if pooled:
                gradient = _through_pooling(net, gradient, activation, seen)
            own = outside.pop(layer, None)
            if own is not None:
                own = own.to(self.backward_type)
                gradient = own.clone(memory_format=torch.channels_last) if gradient is None else gradient.add_(own)
            factors = [factor.to(self.backward_type) for name, factor in products if name == layer]
            for factor in factors:
                gradient = torch.zeros_like(activation) if gradient is None else gradient
                gradient = gradient.contiguous(memory_format=torch.channels_last)  # as it nearly always is
                _rows(gradient).baddbmm_(_rows(activation), factor)
            if gradient is None:  # nothing so deep was asked about
                continue
            if own is not None or factors or not pooled:
                torch.ops.aten.threshold_backward.grad_input(gradient, activation, 0, grad_input=gradient)
            del seen, activation  # their memory is wanted for the next gradient
            gradient = self._convolve(net, layer, gradient, back=True)
        return gradient

    # ------------------------------------------------------------------------------------------------------- inside

    def _convolve(self, net, layer, x, back=False):
        """ReLU of the convolution, or, on the way back, the convolution with the filters turned round."""
        weight, bias = self._weights(net, layer, x, back)
        if _packed_for(x):
            return _convolve_packed(x, weight, bias, "none" if back else "relu")
        seen = F.conv2d(x, weight, bias, padding=1)
        return seen if back else seen.relu_()

    def _weights(self, net, layer, x, back):
        """Weights as the processor likes them best for inputs like x; made anew when the network's have changed."""
        weight, bias = net.convolutions[layer].weight, net.convolutions[layer].bias
        if not back:  # the way back is that of the weights there
            self._traces[layer] = [_trace(tensor) for tensor in (weight, bias)]
        made_of = self._traces[layer]
        shape = x.shape if _packed_for(x) else None  # others take them as they are, whatever the shape
        with self._lock:  # two runs in two threads may share a network
            shapes = self._packed.setdefault((layer, back, x.dtype, x.device), {})
            known, packed = shapes.pop(shape, (None, None))
            if known != made_of:
                packed = self._pack(net, layer, weight.detach(), bias.detach(), x, back)
            shapes[shape] = made_of, packed
            while len(shapes) > SHAPES:
                del shapes[next(iter(shapes))]
        return packed

    def packed(self):
        """All that is packed now; a recorded CUDA graph has to keep it alive."""
        with self._lock:
            return [packed for shapes in self._packed.values() for _, packed in shapes.values()]

    def _pack(self, net, layer, weight, bias, x, back):
        if back:
            weight, bias = weight.transpose(0, 1).flip(2, 3), None
            if net.pooling == "avg" and _begins_block(layer):
                weight = weight / 4  # the mean of four pixels: `_through_pooling` leaves its quarter to the filters
        weight = weight.to(x.dtype).contiguous(memory_format=torch.channels_last)
        if _packed_for(x):
            weight = _packed(weight, x.shape)
        return weight, bias if bias is None else bias.to(x.dtype)


class _Evaluation(torch.autograd.Function):
    """Normalised pictures → activations of the wanted layers, and back, as one node of autograd's graph."""

    @staticmethod
    def forward(ctx, x, engine, net, layers, wanted):
        ctx.engine, ctx.net, ctx.layers, ctx.wanted, ctx.entered = engine, net, layers, wanted, engine.enter(x)
        ctx.activations, ctx.products, leaving = {}, [], []  # products: see _GramMatrix
        for layer, activation in engine.forward(net, ctx.entered, layers):
            if layer in wanted:
                # detach: other tensors on the same memory, so that the graph does not keep itself alive by its outputs
                leaving.append(activation.detach().float())
            if keeps(net, layer, x):
                ctx.activations[layer] = activation
        ctx.versions = {layer: activation._version for layer, activation in ctx.activations.items()}
        ctx.set_materialize_grads(False)
        return tuple(leaving)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *gradients):
        kept = ((layer, one) for layer, one in ctx.activations.items() if layer in ctx.versions)
        if any(one._version != ctx.versions[layer] for layer, one in kept):
            raise RuntimeError("An activation was changed in place, so its gradient is lost; change a copy of it.")
        outside = {layer: one for layer, one in zip(ctx.wanted, gradients, strict=True) if one is not None}
        products, ctx.products = ctx.products, []
        gradient = ctx.engine.backward(ctx.net, ctx.entered, ctx.layers, ctx.activations, outside, products)
        return None if gradient is None else gradient.float(), None, None, None, None


class _GramMatrix(torch.autograd.Function):
    """Activations (B, N, h, w) → F Fᵀ of each picture, (B, N, N), with a derivative in one product.

    That product is as large as the activation itself. For the engine's own activations it is left to the engine, which
    adds it to its own gradient on the way back, so that never more than one of them is in memory. So the gradient with
    respect to the picture is whole, but a hook on the activation is not shown this part.
    """

    @staticmethod
    def forward(ctx, activations):
        node = activations.grad_fn
        ctx.engine_node = node if isinstance(node, _Evaluation._backward_cls) else None
        if ctx.engine_node is None:
            ctx.save_for_backward(activations)
        else:
            ctx.layer = node.wanted[activations.output_nr]
        features = activations.flatten(2)
        return features @ features.transpose(1, 2)

    @staticmethod
    def backward(ctx, gradient):
        both = gradient + gradient.transpose(1, 2)
        if ctx.engine_node is not None:
            ctx.engine_node.products.append((ctx.layer, both))
            return None
        (activations,) = ctx.saved_tensors
        if activations.is_contiguous(memory_format=torch.channels_last):
            return _from_rows(_rows(activations) @ both, activations)
        return (both @ activations.flatten(2)).reshape(activations.shape)


gram_matrix = _GramMatrix.apply


def _rows(activations):
    """(B, N, h, w), channels last → (B, h·w, N): the same memory, a row for each position."""
    batch, filters, height, width = activations.shape
    return activations.permute(0, 2, 3, 1).view(batch, height * width, filters)


def _from_rows(rows, like):
    return rows.unflatten(1, like.shape[2:]).permute(0, 3, 1, 2)


def _through_pooling(net, gradient, activation, seen):
    """From the gradient behind a 2 × 2 pooling and the activation before it: the gradient before the activation's ReLU.

    Of the mean pooling without its quarter, which `Engine._pack` has put into the filters. seen: the activation before
    it was rounded, if it was: rounded, other pixels are the largest.
    """
    if net.pooling == "max":
        sides = ([2, 2], [2, 2], [0, 0], [1, 1], False)
        _, places = torch.ops.aten.max_pool2d_with_indices(seen, *sides)
        gradient = torch.ops.aten.max_pool2d_with_indices_backward(gradient, activation, *sides, places)
        return torch.ops.aten.threshold_backward(gradient, activation, 0)
    height, width = gradient.shape[-2:]
    whole = activation.shape[-2:] == (2 * height, 2 * width)  # an odd row or column at the end is pooled away
    spread = (torch.empty_like if whole else torch.zeros_like)(activation)
    pairs = [
        one.permute(0, 2, 3, 1)[:, : 2 * height, : 2 * width].unflatten(2, (width, 2)).unflatten(1, (height, 2))
        for one in (activation, spread)
    ]  # (N, h, 2, w, 2, C)
    each = gradient.permute(0, 2, 3, 1)[:, :, None, :, None].expand_as(pairs[0])
    torch.ops.aten.threshold_backward.grad_input(each, pairs[0], 0, grad_input=pairs[1])
    return spread


def _trace(tensor):
    """What changes when a weight does: torch counts its own changes, the sum notices the others (`.data`, NumPy)."""
    changes = 0 if tensor.is_inference() else tensor._version
    return tensor.data_ptr(), changes, tensor.detach().sum().item() if tensor.device.type == "cpu" else 0.0


def _packed_for(x):
    return x.device.type == "cpu" and packs(x.dtype)


def _packed(weight, shape):
    return torch.ops.mkldnn._reorder_convolution_weight(weight, [1, 1], [1, 1], [1, 1], 1, list(shape))


def _convolve_packed(x, weight, bias, then):
    return torch.ops.mkldnn._convolution_pointwise(x, weight, bias, [1, 1], [1, 1], [1, 1], 1, then, [], "")


def _begins_block(layer):
    return layer.endswith("_1") and layer != "conv1_1"
