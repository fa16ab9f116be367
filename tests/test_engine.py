"""The engine against the readable network: the same activations and the same gradients."""

import concurrent.futures
import copy
import gc
import pickle
import time
import weakref

import pytest
import torch

import stylelib
from stylelib import losses
from stylelib.engine import engine, kernels
from stylelib.evaluation import memory
from stylelib.evaluation.evaluator import Evaluator
from stylelib.evaluation.memory import check_memory, memory_needed
from stylelib.support.errors import InputError
from stylelib.terms import STYLE_LAYERS, total_loss
from tools.benchmarks.evaluation import peak_memory, square
from tools.benchmarks.reference import Reference

LAYERS = ["conv1_1", "conv1_2", "conv2_1", "conv3_2", "conv4_2", "conv5_1"]
needs_packing = pytest.mark.skipif(
    not kernels.packs(torch.float32), reason="this build of torch has no oneDNN convolutions with packed weights"
)
needs_avx2 = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="without AVX2, convolutions take memory of their own"
)


def make(name="compact", pooling="avg", precision="exact"):
    """A network with an engine of this precision, whether or not the processor would profit from it."""
    net = stylelib.load_network(name, pooling=pooling, device="cpu")
    net.precision, net.engine = precision, engine.Engine(precision)
    return net


def readable(net):
    twin = copy.deepcopy(net)
    twin.engine = None
    return twin


def evaluate(net, picture, layers=LAYERS, style=("conv1_1", "conv3_2", "conv5_1"), gram=losses.gram_matrix):
    """Activations, and the gradient of a loss that has a content part and a style part at the layers named."""
    x = picture.clone().requires_grad_(True)
    seen = net(x, layers)
    loss = sum(losses.content_loss(one, 0.7 * one.detach().roll(1, 2)) for one in seen.values())
    for layer in set(style) & set(seen):
        target = losses.gram_matrix(0.5 * seen[layer].detach().roll(3, 1))
        loss = loss + (losses.style_factor(target, 1) * (gram(seen[layer]) - target).square()).sum()
    (gradient,) = torch.autograd.grad(loss, x)
    return {layer: one.detach() for layer, one in seen.items()}, gradient


def distance(a, b):
    return ((a - b).norm() / b.norm()).item()


def gradient_distance(a, b):
    """The distance of two gradients without the 2 % of the pixels that differ most.

    A sum that is almost zero may be positive in one order of adding and negative in the other. Then its ReLU passes the
    gradient in one of them only, which changes the few pixels that it sees.
    """
    differences = (a - b).square().sum(1).flatten()
    kept = differences.sort().values[: int(0.98 * len(differences))]
    return (kept.sum().sqrt() / b.norm()).item()


@pytest.fixture(scope="module")
def odd_pictures():
    """Two pictures whose sides are odd in several blocks.

    Of noise: where a photograph is flat, sums that ought to be zero are ±1e-8, and a ReLU's gradient there is chance.
    """
    return torch.rand(2, 3, 75, 53, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("name", ["compact", "compact11", "vgg11-random"])
def test_exact_gives_the_readable_networks_values(name, pooling, odd_pictures):
    net = make(name, pooling)
    layers = [layer for layer in LAYERS if layer in net.layers]
    seen, gradient = evaluate(net, odd_pictures, layers)
    expected, expected_gradient = evaluate(readable(net), odd_pictures, layers)
    assert list(seen) == list(expected) == layers
    for layer in layers:
        assert seen[layer].dtype == torch.float32
        assert seen[layer].shape == expected[layer].shape
        assert distance(seen[layer], expected[layer]) < 1e-5, layer
    assert gradient_distance(gradient, expected_gradient) < 1e-4


@needs_packing
@pytest.mark.parametrize("layer", stylelib.load_network("compact", device="cpu").layers)
def test_each_layer_alone_has_its_gradient(layer, net, odd_pictures):
    assert net.engine is not None
    _, gradient = evaluate(net, odd_pictures, [layer], style=[layer])
    _, expected = evaluate(readable(net), odd_pictures, [layer], style=[layer])
    assert gradient_distance(gradient, expected) < 1e-4


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_mixed_sees_the_same_and_its_gradient_is_within_a_percent(pooling, photo):
    exact, mixed = make(pooling=pooling), make(pooling=pooling, precision="mixed")
    seen, gradient = evaluate(mixed, photo)
    expected, expected_gradient = evaluate(exact, photo)
    assert all(torch.equal(seen[layer], expected[layer]) for layer in LAYERS)
    assert 1e-5 < distance(gradient, expected_gradient) < 0.01


def test_fast_rounds_activations_to_eight_bits_and_no_more(photo):
    exact, fast = make(), make(precision="fast")
    seen, gradient = evaluate(fast, photo)
    expected, expected_gradient = evaluate(exact, photo)
    for layer in LAYERS:
        assert seen[layer].dtype == torch.float32
        assert 1e-5 < distance(seen[layer], expected[layer]) < 0.02, layer
    assert 1e-3 < distance(gradient, expected_gradient) < 0.15


@needs_packing
def test_a_second_way_back_gives_the_same_gradient(net, photo):
    x = photo.clone().requires_grad_(True)
    seen = net(x, LAYERS)
    loss = sum(one.square().mean() for one in seen.values())
    (first,) = torch.autograd.grad(loss, x, retain_graph=True)
    (second,) = torch.autograd.grad(loss, x)
    assert torch.equal(first, second)


@needs_packing
def test_layers_that_no_loss_looks_at_add_nothing(net, odd_pictures):
    x = odd_pictures.clone().requires_grad_(True)
    seen = net(x, ["conv2_1", "conv5_1"])
    (gradient,) = torch.autograd.grad(seen["conv2_1"].square().mean(), x)
    y = odd_pictures.clone().requires_grad_(True)
    (expected,) = torch.autograd.grad(readable(net)(y, ["conv2_1"])["conv2_1"].square().mean(), y)
    assert gradient_distance(gradient, expected) < 1e-4


def in_place(weight):
    with torch.no_grad():
        weight[0] *= 30


def by_data(weight):
    weight.data[0] *= 30


def by_numpy(weight):
    weight.detach().numpy()[0] *= 30


def in_one_place(weight):
    weight.data[1, 2, 1, 1] += 0.5


@pytest.mark.parametrize("change", [in_place, by_data, by_numpy, in_one_place])
def test_weights_that_change_are_packed_anew(change, photo):
    net = make()
    before = net(photo, ["conv1_2"])["conv1_2"]
    change(net.convolutions["conv1_1"].weight)
    after = net(photo, ["conv1_2"])["conv1_2"]
    assert not torch.allclose(before, after)
    assert distance(after, readable(net)(photo, ["conv1_2"])["conv1_2"]) < 1e-5


@needs_packing
def test_an_activation_changed_in_place_is_refused_on_the_way_back(net, photo):
    seen = net(photo.clone().requires_grad_(True), ["conv1_1", "conv2_1"])
    loss = seen["conv2_1"].mean()
    seen["conv1_1"].add_(1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


@needs_packing
def test_an_evaluation_leaves_nothing_in_memory(net, photo):
    gc.disable()
    try:
        seen = net(photo.clone().requires_grad_(True), ["conv1_1", "conv3_1"])
        alive = weakref.ref(seen["conv3_1"].grad_fn)
        del seen
        assert alive() is None
    finally:
        gc.enable()


@needs_packing
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_computes_the_same(duplicate, net, photo):
    net(photo, ["conv1_1"])  # something is packed
    twin = duplicate(net)
    assert twin.engine is not None and twin.engine is not net.engine
    assert torch.equal(twin(photo, ["conv3_1"])["conv3_1"], net(photo, ["conv3_1"])["conv3_1"])


def test_without_packed_convolutions_the_readable_path_is_taken(monkeypatch, photo, net):
    expected = net(photo, ["conv4_2"])["conv4_2"]
    monkeypatch.setattr(kernels, "packs", lambda dtype: False)
    plain = stylelib.load_network("compact", device="cpu")
    assert plain.engine is None and plain.precision == "exact"
    assert distance(plain(photo, ["conv4_2"])["conv4_2"], expected) < 1e-5


@pytest.mark.parametrize("lacking", [(), (torch.bfloat16,), (torch.float32, torch.bfloat16)])
@pytest.mark.parametrize("precision", ["exact", "mixed", "fast"])
def test_an_engine_computes_the_same_where_weights_cannot_be_packed(monkeypatch, precision, lacking, odd_pictures):
    """As with AVX2 alone, which cannot pack bfloat16, and on a build of torch without oneDNN."""
    layers = ["conv1_1", "conv2_1", "conv4_2"]
    seen, gradient = evaluate(make(precision=precision), odd_pictures, layers, style=())
    packs = kernels.packs
    monkeypatch.setattr(kernels, "packs", lambda dtype: packs(dtype) and dtype not in lacking)
    plain, plain_gradient = evaluate(make(precision=precision), odd_pictures, layers, style=())
    tolerance = {"exact": (1e-5, 1e-3), "mixed": (1e-5, 0.03), "fast": (0.02, 0.3)}[precision]
    assert max(distance(plain[layer], seen[layer]) for layer in layers) < tolerance[0]
    assert distance(plain_gradient, gradient) < tolerance[1]


@pytest.mark.parametrize(
    ("multiplies", "packs", "expected"),
    [((), (), False), (("amx",), (), False), ((), ("bf16",), False), (("amx",), ("bf16",), True),
     (("avx512",), ("bf16",), True), (("avx512",), (), False)],
)  # fmt: skip
def test_bfloat16_is_taken_where_it_is_multiplied_and_packed(monkeypatch, multiplies, packs, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: "amx" in multiplies, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: "avx512" in multiplies, raising=False)
    monkeypatch.setattr(kernels, "packs", lambda dtype: dtype == torch.float32 or "bf16" in packs)
    assert engine.multiplies_bfloat16(torch.device("cpu")) == expected


@pytest.mark.parametrize("precision", ["mixed", "fast"])
def test_a_processor_without_bfloat16_computes_exactly_and_says_so(monkeypatch, precision):
    monkeypatch.setattr(engine, "multiplies_bfloat16", lambda device: False)
    with pytest.warns(UserWarning, match=f"{precision} precision needs a processor that multiplies bfloat16"):
        net = stylelib.load_network("compact", precision=precision, device="cpu")
    assert net.precision == "exact"
    assert "precision" not in net.describe()


@needs_packing
@pytest.mark.parametrize("precision", ["mixed", "fast"])
def test_where_there_is_bfloat16_the_precision_stands_in_the_caption(monkeypatch, precision, photo):
    monkeypatch.setattr(engine, "multiplies_bfloat16", lambda device: True)
    net = stylelib.load_network("compact", precision=precision, device="cpu")
    assert net.precision == precision
    assert f"{precision} precision" in net.describe()
    run = stylelib.style_transfer(photo, photo.flip(3), net, steps=2).finish()
    assert run.history[-1].loss < run.history[0].loss


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match="precision"):
        stylelib.load_network("compact", precision="half")


def test_a_net_in_double_precision_goes_the_readable_way(photo):
    net = make().double()
    assert net(photo, ["conv2_1"])["conv2_1"].dtype == torch.float64


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gram_matrixs_derivative_is_autograds_and_keeps_the_layout(layout, seeded):
    x = (
        torch.rand(2, 5, 4, 3, generator=seeded, dtype=torch.double)
        .contiguous(memory_format=layout)
        .requires_grad_(True)
    )
    assert torch.equal(engine.gram_matrix(x), losses.gram_matrix(x))
    assert torch.autograd.gradcheck(engine.gram_matrix, x)
    assert torch.autograd.gradgradcheck(engine.gram_matrix, x)
    weights = torch.rand(2, 5, 5, generator=seeded, dtype=torch.double)
    (gradient,) = torch.autograd.grad((weights * engine.gram_matrix(x)).sum(), x)
    (expected,) = torch.autograd.grad((weights * losses.gram_matrix(x)).sum(), x)
    assert torch.allclose(gradient, expected)
    assert gradient.is_contiguous(memory_format=layout)


@needs_packing
def test_threads_that_share_a_network_pack_its_weights_by_turns(monkeypatch, photo):
    net, inside, most = make(), [], []
    pack = engine.Engine._pack

    def slowly(self, *arguments):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.005)
        inside.pop()
        return pack(self, *arguments)

    monkeypatch.setattr(engine.Engine, "_pack", slowly)
    pictures = [photo[..., :height, :] for height in (16, 20, 24, 28, 32, 36)]  # more sizes than stay packed
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda picture: net(picture, ["conv2_1"])["conv2_1"], pictures * 2))
    expected = [readable(net)(picture, ["conv2_1"])["conv2_1"] for picture in pictures]
    assert all(distance(one, expected[index % len(pictures)]) < 1e-5 for index, one in enumerate(seen))
    assert max(most) == 1 and len(most) > len(pictures)


@needs_packing
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e38])
def test_what_is_not_finite_stays_so(value, net, photo):
    """oneDNN's ReLU turns it into zeros, so a run would continue as if nothing had happened."""
    spoilt = photo.clone()
    spoilt[0, 0, 5, 5] = value
    (evaluation,) = Evaluator([stylelib.Style(net, photo)])(spoilt)
    assert not evaluation.finite


def test_whoever_looks_inside_or_trains_goes_the_readable_way(photo):
    net = make()
    assert net.engine.takes(net, photo)
    called = []
    handle = net.convolutions["conv1_2"].register_full_backward_hook(lambda *_: called.append("back"))
    net(photo.clone().requires_grad_(True), ["conv2_1"])["conv2_1"].sum().backward()
    assert called == ["back"]
    handle.remove()
    handle = net.convolutions["conv1_2"].register_forward_hook(lambda *_: called.append("forth"))
    net(photo, ["conv2_1"])
    assert called == ["back", "forth"]
    handle.remove()
    net.requires_grad_(True)
    net(photo.clone().requires_grad_(True), ["conv2_1"])["conv2_1"].sum().backward()
    assert net.convolutions["conv1_1"].weight.grad.abs().sum() > 0
    net.requires_grad_(False)
    net.pool = lambda x, side: torch.nn.functional.lp_pool2d(x, 2, side)  # a pooling that the engine does not know
    assert not net.engine.takes(net, photo)


@needs_packing
def test_where_inference_mode_made_it_a_network_can_be_evaluated(photo, net):
    with torch.inference_mode():
        made = make()
        seen = made(photo, ["conv2_1"])["conv2_1"]
    assert torch.equal(seen, net(photo, ["conv2_1"])["conv2_1"])


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_the_engines_gram_matrix_gives_the_pictures_gradient(pooling, odd_pictures):
    """It leaves a product for each layer to the engine, which adds it during the backward pass."""
    style = ("conv1_1", "conv3_2", "conv4_2", "conv5_1")
    for net in (make(pooling=pooling), readable(make(pooling=pooling))):
        _, expected = evaluate(net, odd_pictures, style=style)
        _, gradient = evaluate(net, odd_pictures, style=style, gram=engine.gram_matrix)
        assert distance(gradient, expected) < 1e-4


@needs_packing
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (17, 2)])
def test_the_smallest_pictures_have_their_gradient(size, net, seeded):
    picture = torch.rand(1, 3, *size, generator=seeded)
    layers = ["conv1_1", "conv1_2"]
    for gram in (losses.gram_matrix, engine.gram_matrix):
        gradients = []
        for one in (net, readable(net)):
            x = picture.clone().requires_grad_(True)
            (gradient,) = torch.autograd.grad(sum(gram(seen).sum() for seen in one(x, layers).values()), x)
            gradients.append(gradient)
        assert distance(*gradients) < 1e-4


@needs_packing
def test_with_the_written_out_gram_matrix_an_activation_has_a_gradient_of_its_own(net, photo):
    x = photo.clone().requires_grad_(True)
    seen = net(x, ["conv2_1"])["conv2_1"]
    gradient, own = torch.autograd.grad(losses.gram_matrix(seen).square().sum(), [x, seen])
    features = seen.detach().flatten(2)
    expected = 4 * features @ features.transpose(1, 2) @ features
    assert distance(own.flatten(2), expected) < 1e-4 and gradient.abs().sum() > 0


@needs_packing
def test_large_pictures_compute_the_first_block_twice_and_give_the_same(monkeypatch, net, photo):
    _, expected = evaluate(net, photo, gram=engine.gram_matrix)
    monkeypatch.setattr(engine, "LARGE", 4 * net.filters("conv1_1") * photo[0, 0].numel())
    computed = []
    forward = engine.Engine.forward

    def watched(self, net, x, layers):
        for layer, activation in forward(self, net, x, layers):
            computed.append(layer)
            yield layer, activation

    monkeypatch.setattr(engine.Engine, "forward", watched)
    _, gradient = evaluate(net, photo, gram=engine.gram_matrix)
    assert torch.equal(gradient, expected)
    assert {layer for layer in computed if computed.count(layer) == 2} == {"conv1_1", "conv1_2"}


# ----------------------------------------------------------------------------------------------- through the evaluator


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("with_engine", [True, False])
def test_the_evaluators_loss_and_gradient_are_those_of_the_terms(with_engine, pooling, odd_pictures):
    """The evaluator swaps in the engine's Gram matrix; `total_loss` uses the written-out one."""
    net = make(pooling=pooling) if with_engine else readable(make(pooling=pooling))
    terms = [
        stylelib.Content(net, odd_pictures.flip(2), "conv3_2", weight=0.1),
        stylelib.Style(net, odd_pictures[:1].flip(3), STYLE_LAYERS[:4]),
        stylelib.Style(net, odd_pictures[:1], ["conv2_1"], mask=torch.eye(75)[:, :53], label="region"),
        stylelib.Style(net, odd_pictures[:1], ["conv1_2"], statistic=stylelib.MeanStd(), label="other"),
    ]
    x = odd_pictures.clone().requires_grad_(True)
    loss, parts = total_loss(terms, x)
    (expected,) = torch.autograd.grad(loss, x)
    (evaluation,) = Evaluator(terms)(odd_pictures)
    assert evaluation.loss == pytest.approx(loss.item(), rel=1e-5)
    assert evaluation.losses == pytest.approx({name: part.item() for name, part in parts.items()}, rel=1e-4)
    assert distance(evaluation.gradient, expected) < 1e-4


@needs_packing
def test_large_pictures_hold_a_fifth_less_than_plain_pytorchs(monkeypatch):
    photo, painting = (square(name, 192) for name in ("riverside", "night_swirls"))
    net = make()
    plain = peak_memory(Reference(readable(net), photo, painting, "conv4_2", STYLE_LAYERS, 0.1), photo)
    evaluator = Evaluator(stylelib.style_transfer(photo, painting, net).terms)
    assert peak_memory(evaluator, photo) < 0.96 * plain
    monkeypatch.setattr(engine, "LARGE", 1)
    assert peak_memory(evaluator, photo) < 0.8 * plain


@needs_packing
@needs_avx2
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("content", ["conv1_1", "conv1_2", "conv4_2"])
@pytest.mark.parametrize("style", [["conv1_1"], STYLE_LAYERS])
def test_an_evaluation_holds_no_more_than_was_foretold(monkeypatch, large, pooling, content, style):
    if large:
        monkeypatch.setattr(engine, "LARGE", 1)
    photo = square("riverside", 128)
    run = stylelib.style_transfer(photo, photo, make(pooling=pooling), content_layer=content, style_layers=style)
    held = peak_memory(Evaluator(run.terms), photo)
    arguments = [run.terms], run.shape, 0, run.device  # 0: an optimiser that holds nothing itself
    monkeypatch.setattr(memory, "free_memory", lambda device: held)
    with pytest.raises(InputError, match="need about"):
        check_memory(*arguments)
    monkeypatch.setattr(memory, "free_memory", lambda device: 2.2 * held)
    check_memory(*arguments)


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("content, style", [("conv1_2", ["conv1_1"]), ("conv4_2", STYLE_LAYERS)])
def test_a_batch_holds_no_more_than_was_foretold(pooling, content, style):
    """Also if a single run needs deeper layers than the others."""
    photo, net = square("riverside", 128), make(pooling=pooling)
    runs = [
        stylelib.style_transfer(photo, photo, net, content_layer=content, style_layers=style),
        *[stylelib.style_transfer(photo, photo, net, content_layer="conv1_1", style_layers=["conv1_1"])] * 3,
    ]
    lists = [run.terms for run in runs]
    held = peak_memory(Evaluator(*lists), torch.cat([photo] * 4))
    assert held <= memory_needed(lists, photo.shape, 0) <= 2.5 * held


class Normalised(stylelib.Term):
    """A term of your own: a style loss divided by the size of its own gradient, and one more with a hook."""

    def __init__(self, net):
        self.net, self.layers = net, ["conv2_1", "conv3_1"]

    def losses(self, pictures, activations):
        seen = activations["conv2_1"]
        loss = losses.gram_matrix(seen).square().mean() + seen.square().mean()
        (gradient,) = torch.autograd.grad(loss, seen, retain_graph=True)
        activations["conv3_1"].register_hook(lambda gradient: 0.1 * gradient)
        other = losses.gram_matrix(activations["conv3_1"]).square().mean()
        return {"normalised": loss / gradient.norm().detach(), "hooked": 1e-4 * other}


def test_terms_of_your_own_may_ask_for_other_gradients(odd_pictures):
    picture, found = odd_pictures[:1], []
    for net in (make(), readable(make())):
        style = stylelib.Style(net, picture.flip(3), layers=["conv1_1", "conv2_1"])
        found += Evaluator([Normalised(net), style])(picture)
    assert found[0].losses == pytest.approx(found[1].losses, rel=1e-4)
    assert gradient_distance(found[0].gradient, found[1].gradient) < 1e-4
