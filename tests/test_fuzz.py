"""Every boundary of the package, tried with inputs that nobody would think of: the answer is a result or one sentence.

A longer run with other inputs: python -m tools.faults fuzz SECONDS
"""

import contextlib
import copy
import io
import json
import os
import pathlib
import time
import warnings

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import stylelib
from stylelib.paper import recordings
from stylelib.shell.commands import _values
from stylelib.shell.parser import make_parser
from stylelib.support import limits
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable
from stylelib.support.machine import pick_device, preset
from stylelib.support.masks import check_mask
from stylelib.weights import store
from stylelib.weights.formats import read_weights
from tests.picture_files import colours, encoded

pytestmark = [
    pytest.mark.fault(14),
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # hypothesis about a run's tensors
]
EXAMPLES = int(os.environ.get("STYLELIB_FUZZ", "0"))  # per test and round of a longer run; 0 in the test suite
COUNTS = os.environ.get("STYLELIB_FUZZ_COUNTS")
LONGEST = 10  # seconds of computing
counted: dict[str, int] = {}


def tried(examples):
    """Settings of a test: always the same inputs in the test suite, others in each round of a longer run."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def counts(request):
    yield
    if COUNTS:
        with open(COUNTS, "a", encoding="utf-8") as file:
            file.write(f"{request.node.originalname} {counted.pop('inputs', 0)}\n")


def answer(call, *arguments, **named):
    """Call a function: a result or one sentence, in a few seconds. Returns the result, or None after a sentence."""
    counted["inputs"] = counted.get("inputs", 0) + 1
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(*arguments, **named)
    except InputError as error:
        message = str(error)
        assert "\n" not in message and len(message) < 1200 and message.rstrip()[-1] in ".?)'…", message
        return None
    finally:
        assert time.process_time() - started < LONGEST


# ---- Bytes

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "number", "cut", "insert", "double"]),
        st.floats(0, 1),
        st.integers(0, 255),
        st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 65537]),
    ),
    min_size=1,
    max_size=6,
)


def changed(data, changes):
    """Bytes with some changes, at places that are fractions of the length; the beginning is hit more often."""
    data = bytearray(data)
    for kind, place, byte, number in changes:
        at = int(place**3 * max(0, len(data) - 1))
        if kind == "set" and data:
            data[at] = byte
        elif kind == "number":
            data[at : at + 4] = number.to_bytes(4, "big" if byte % 2 else "little")
        elif kind == "cut":
            data = data[: int(place * len(data))]
        elif kind == "insert":
            data[at:at] = bytes([byte]) * (byte % 9)
        else:
            data[at:at] = data[at : at + byte]
    return bytes(data)


def example(kind, mode="RGB", **options):
    image = PIL.Image.fromarray(colours(12, 16))
    image = image.quantize(9) if mode == "P" else image.convert(mode)
    return encoded(image, kind, **options)


PICTURES = [
    *(example("PNG", mode) for mode in ("RGB", "RGBA", "P", "1", "LA", "I;16" if False else "L")),
    encoded(colours(12, 16, 1).astype(np.uint16) * 257, "PNG"),
    *(example("JPEG", mode) for mode in ("RGB", "L", "CMYK")),
    example("JPEG", progressive=True),
    *(example("TIFF", mode, compression=how) for mode, how in (("RGB", "tiff_lzw"), ("F", None), ("L", "raw"))),
    example("TIFF", compression="jpeg"),
    *(example("WEBP", lossless=lossless) for lossless in (True, False)),
    *(example(kind, "P") for kind in ("GIF", "PCX")),
    *(example(kind) for kind in ("BMP", "DIB", "PPM", "TGA", "ICO", "SGI", "JPEG2000", "MPO")),
    b"P3 12 12 255 " + b"9 " * 432,
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    b"\0\0\0\x18ftypheic" + bytes(90),
]  # fmt: skip


@pytest.mark.fault(1)
@pytest.mark.fault(15)
@tried(400)
@given(st.sampled_from(PICTURES), CHANGES, st.sampled_from([None, 8, 64]))
def test_pictures(data, changes, size):
    picture = answer(stylelib.load_image, changed(data, changes), size)
    if picture is not None:
        assert picture.shape[:2] == (1, 3) and picture.dtype == torch.float32
        assert picture.min() >= 0 and picture.max() <= 1


@pytest.mark.fault(1)
@tried(100)
@given(st.binary(max_size=300), st.sampled_from([b"", *{data[:8] for data in PICTURES}]))
def test_bytes_that_are_no_picture(data, start):
    answer(stylelib.load_image, start + data)


# ---- Values

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["conv1_1", "compact", "riverside", "content", "noise", 2**70, -1, 1e300, "", b"", b"GIF89a"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=12)
KINDS = (
    hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.unsigned_integer_dtypes() | hnp.floating_dtypes()
    | hnp.complex_number_dtypes() | hnp.byte_string_dtypes() | hnp.unicode_string_dtypes() | hnp.datetime64_dtypes()
)  # fmt: skip
ARRAYS = KINDS.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))
TYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.uint8,
    torch.int64,
    torch.bool,
    torch.complex64,
]
TENSORS = st.builds(
    lambda shape, dtype, value, how: how(torch.full(shape, value, dtype=torch.float32).to(dtype)),
    SHAPES.map(lambda shape: shape[-4:]) | st.sampled_from([(1, 3, 16, 16), (1, 3, 8, 8), (2, 3, 9, 9)]),
    st.sampled_from(TYPES),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 255.0, -1e30, float("nan"), float("inf")]),
    st.sampled_from([
        lambda tensor: tensor,
        lambda tensor: tensor.to("meta"),
        lambda tensor: tensor.to_sparse() if tensor.ndim and tensor.dtype != torch.bool else tensor,
        lambda tensor: tensor[None].expand(2, *tensor.shape)[0],
        lambda tensor: tensor.detach().requires_grad_(tensor.is_floating_point()),
    ]),
)  # fmt: skip


@tried(150)
@given(ARRAYS | TENSORS | JUNK, st.none() | st.integers(-5, 70) | JUNK)
def test_sources_of_pictures(source, size):
    answer(stylelib.load_image, source, size)


@pytest.fixture(scope="module")
def small():
    net = stylelib.load_network("compact11-random", normalize=False, device="cpu")
    return net, stylelib.load_image("riverside", 32)


@tried(120)
@given(value=ARRAYS | TENSORS | JUNK)
def test_values_given_to_the_api(value, small):
    net, photo = small
    for call in (
        lambda: stylelib.Content(net, value, "conv2_1"),
        lambda: stylelib.Content(net, photo, value),
        lambda: stylelib.Content(net, photo, "conv1_1", weight=value),
        lambda: stylelib.Style(net, photo, value),
        lambda: stylelib.Smoothness(value),
        lambda: stylelib.Synthesis(value, "noise"),
        lambda: stylelib.Synthesis(stylelib.Smoothness(1), value, steps=1),
        lambda: stylelib.Synthesis(stylelib.Smoothness(1), photo, value),
        lambda: stylelib.Synthesis(stylelib.Smoothness(1), photo, 1, value),
        lambda: stylelib.Synthesis(stylelib.Smoothness(1), photo, tolerance=value),
        lambda: stylelib.noise(8, 8, value),
        lambda: check_mask(value),
        lambda: pick_device(value),
        lambda: preset(value),
    ):
        answer(call)


# ---- Files that the package writes


def replaced(content, places, value):
    """A copy of nested dictionaries and lists, in which what is reached by following `places` is another value."""
    content = inner = copy.deepcopy(content)
    for depth, place in enumerate(places):
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner))) if isinstance(inner, list) else []
        if not keys:
            break
        key = keys[place % len(keys)]
        if depth == len(places) - 1 or not isinstance(inner[key], dict | list) or not inner[key]:
            inner[key] = value
            break
        inner = inner[key]
    return content


PLACES = st.lists(st.integers(0, 40), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def recipe_file(folder):
    stylelib.Recipe(size=16, steps=1, network="compact11-random").save(folder / "recipe.json")
    return folder / "recipe.json"


def whole_recipe(path):
    recipe = stylelib.Recipe.load(path)
    recipe.check()
    recipe.code()


@tried(120)
@given(places=PLACES, value=JUNK.filter(lambda value: "b'" not in repr(value) and 'b"' not in repr(value)))
def test_recipes(places, value, recipe_file):
    content = replaced(json.loads(recipe_file.read_text(encoding="utf-8")), places, value)
    path = recipe_file.with_name("changed.json")
    path.write_text(json.dumps(content), encoding="utf-8")
    answer(whole_recipe, path)


@tried(100)
@given(changes=CHANGES)
def test_bytes_of_recipes(changes, recipe_file):
    path = recipe_file.with_name("changed.json")
    path.write_bytes(changed(recipe_file.read_bytes(), changes))
    answer(whole_recipe, path)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"format": ' + "[" * 100_000 + "]" * 100_000 + "}", "1" * 100_000]
)
def test_a_recipe_that_is_nested_deep(text, folder):
    (folder / "deep.json").write_text(text, encoding="utf-8")
    assert answer(stylelib.Recipe.load, folder / "deep.json") is None


@pytest.fixture(scope="module")
def saved_run(folder, small):
    net, photo = small
    terms = [stylelib.Content(net, photo, "conv2_1"), stylelib.Smoothness(1e-3)]
    run = stylelib.Synthesis(terms, "noise", steps=5, keep_every=1, optimizer="lbfgs")
    for _ in zip(range(3), run, strict=False):
        pass
    run.save(folder / "run.pt")
    return torch.load(folder / "run.pt", weights_only=True)


def go_on(path):
    run = stylelib.Synthesis.load(path)
    next(run, None)
    return run.image, run.describe()


TORCHES = TENSORS | st.sampled_from([torch.zeros(1, 3, 8, 8), torch.zeros(()).expand(40_000, 40_000), torch.zeros(0)])


@tried(100)
@given(places=PLACES, value=JUNK | TORCHES)
def test_saved_runs(places, value, saved_run, folder):
    with contextlib.suppress(RuntimeError, NotImplementedError, OverflowError):  # torch cannot save this value
        buffer = io.BytesIO()
        torch.save(replaced(saved_run, places, value), buffer)
        (folder / "changed.pt").write_bytes(buffer.getvalue())
        value = None
    if value is None:
        answer(go_on, folder / "changed.pt")


@tried(60)
@given(changes=CHANGES)
def test_bytes_of_saved_runs(changes, saved_run, folder):
    (folder / "changed.pt").write_bytes(changed((folder / "run.pt").read_bytes(), changes))
    answer(go_on, folder / "changed.pt")


@pytest.fixture(scope="module")
def recorded(folder):
    run = recordings.RecordedRun({0: encoded(colours(), "JPEG")}, {0: {"content": 1.0}}, "by hand")
    recording = recordings.Recording(stylelib.Recipe(), {"seed": {"seed 0": 0}}, {(0,): run}, "abc")
    recordings.save(recording, folder / "recording.zip")
    return folder / "recording.zip"


@tried(100)
@given(changes=CHANGES)
def test_recordings(changes, recorded):
    path = recorded.with_name("changed.zip")
    path.write_bytes(changed(recorded.read_bytes(), changes))
    answer(recordings.load, path)


# ---- Weights


@pytest.fixture(scope="module")
def weights_file():
    return (store.DATA / "compact11.safetensors").read_bytes()


@tried(25)
@given(changes=CHANGES)
def test_bytes_of_weights(changes, weights_file, folder):
    (folder / "weights").write_bytes(changed(weights_file[:40_000], changes) + weights_file[40_000:])
    answer(read_weights, folder / "weights", "compact11")


NAMES = st.sampled_from(
    ["conv1_1.weight", "features.0.weight", "features.0.bias", "state_dict", "input_mean", "sha256"]
)


@tried(100)
@given(
    header=st.dictionaries(NAMES | st.text(max_size=9), st.text(max_size=30), max_size=4),
    tensors=st.dictionaries(NAMES, TENSORS, max_size=3),
)
def test_headers_of_weights(header, tensors, folder):
    with contextlib.suppress(Exception):  # safetensors cannot write this
        safetensors.torch.save_file(tensors, folder / "weights", header)
        answer(read_weights, folder / "weights", "compact11")
    with contextlib.suppress(RuntimeError, NotImplementedError):
        torch.save({**tensors, **header}, folder / "weights")
        answer(read_weights, folder / "weights", "compact11")


# ---- Words: paths, environment variables, the shell

WORDS = st.text(max_size=40) | st.sampled_from(
    [
        "",
        ".",
        "/",
        "~",
        "~nobody/x",
        "a\0b",
        "\udcff",
        "x" * 5000,
        "/dev/null",
        "/dev/full",
        "/proc/self/mem",
        "*",
        "[",
        "://",
        "NUL",
        "con.png",
    ]
)


@tried(100)
@given(word=WORDS, ending=st.sampled_from(["", ".png", ".json", ".pt", ".zip"]), folder_too=st.booleans())
def test_paths(word, ending, folder_too, folder):
    path = f"{folder}/{word}{ending}" if folder_too else word + ending
    if os.path.exists(path) and os.path.isfile(path) and path.startswith("/proc"):
        return
    for call in (
        stylelib.load_image,
        stylelib.Recipe.load,
        stylelib.Synthesis.load,
        recordings.load,
        lambda path: stylelib.load_network("compact11", path),
        lambda path: check_writable(path, (".png", "")),
    ):
        answer(call, path)


VARIABLES = ["STYLELIB_PRESET", "STYLELIB_WEIGHTS", "MEM_LIMIT", "CPU_LIMIT", "KERAS_HOME", "XDG_CACHE_HOME", "HOME"]


@tried(100)
@given(name=st.sampled_from(VARIABLES), value=WORDS.filter(lambda word: "\0" not in word))
def test_environment_variables(name, value):
    with pytest.MonkeyPatch.context() as patch:
        try:
            patch.setenv(name, value)
        except UnicodeEncodeError:
            return
        answer(preset)
        answer(limits.free_main_memory)
        assert limits.cores() >= 1
        answer(store.load_weights, "vgg11", download=False)


@tried(150)
@given(
    words=st.lists(
        WORDS | st.sampled_from(["transfer", "recipe", "-o", "out.png", "--size", "--steps", "sweep", "seed=1"]),
        max_size=7,
    )
)
def test_words_in_the_shell(words):
    def parse():
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):  # --help
            make_parser().parse_args(words)

    answer(parse)
    for word in words:
        answer(_values, stylelib.Recipe, word)
        answer(_values, stylelib.Recipe, f"style={word}")


def test_the_working_folder_is_as_it_was(folder):
    """No boundary writes a file beside those that it was asked to write."""
    known = {
        "recipe.json",
        "changed.json",
        "deep.json",
        "run.pt",
        "changed.pt",
        "recording.zip",
        "changed.zip",
        "weights",
    }
    assert set(os.listdir(folder)) <= known
    assert pathlib.Path.cwd().exists()
