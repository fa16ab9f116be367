"""The live page in a real Chromium, served from a subfolder by a plain server of files."""

import base64
import dataclasses
import functools
import io
import json
import pathlib
import re
import time

import numpy as np
import PIL.Image
import psutil
import pytest
import torch

import stylelib
from conftest import DROP_PAINTING, files_of, playwright
from stylelib.evaluation.evaluator import Evaluator
from stylelib.initialization import _cover, continue_from
from stylelib.protocols.optimizer import Evaluation, answer
from stylelib.protocols.term import shrink
from stylelib.recipes import Recipe
from stylelib.scales import shrinking
from tools.web import live

expect = playwright.expect
STYLE_LAYERS = list(stylelib.STYLE_LAYERS)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page's address, in a subfolder of a server."""
    root = tmp_path_factory.mktemp("server")
    folder = root / "a school" / "live"
    try:
        live.build(folder)
    except SystemExit as reason:
        pytest.skip(str(reason))
    (folder / "asked.js").write_text(pathlib.Path(__file__).with_name("live_page.js").read_text(), encoding="utf-8")
    with files_of(root) as server:
        yield f"{server}/a%20school/live/"


@pytest.fixture(scope="module")
def ask(address, browser):
    """Have the page's own modules compute something: ask(name, what) is asked[name](what) of live_page.js."""
    page = browser.new_page()
    page.goto(address + "?run=no")
    page.evaluate("address => import(address)", address + "asked.js")
    compute = "async ([name, what]) => JSON.stringify(await asked[name](JSON.parse(what)))"  # text travels fast
    yield lambda name, what: json.loads(page.evaluate(compute, [name, json.dumps(what)]))
    page.close()


def plain(picture):
    return {"values": picture.flatten().tolist(), "width": picture.shape[-1], "height": picture.shape[-2]}


def tensor(plain):
    return torch.tensor(plain["values"]).reshape(1, 3, plain["height"], plain["width"])


def distance(values, expected):
    values, expected = torch.as_tensor(values).double().flatten(), torch.as_tensor(expected).double().flatten()
    return ((values - expected).norm() / expected.norm()).item()


@functools.cache
def case(network, size, content_layer, style_layers, convention="relative", painting_size=None):
    """Two pictures, a third one to evaluate, and its Evaluation by torch."""
    net = stylelib.load_network(network, device="cpu")
    photo, painting = stylelib.load_image("riverside", size), stylelib.load_image("woodcut", painting_size or size)
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    at = (photo + 0.1 * noise).clamp(0, 1)
    terms = [
        stylelib.Content(net, photo, content_layer, weight=0.3, convention=convention),
        stylelib.Style(net, painting, style_layers, convention=convention),
    ]
    (evaluation,) = Evaluator(terms)(at)
    return photo, painting, at, evaluation


@pytest.mark.parametrize("network", ["compact", "compact11"])
@pytest.mark.parametrize("size", [64, 85, 112])  # 85 × 57 loses a row or a column at each pooling
def test_loss_and_gradient_are_torchs(ask, network, size):
    photo, painting, at, expected = case(network, size, "conv4_2", tuple(STYLE_LAYERS), painting_size=96)
    pictures = {"content": plain(photo), "style": plain(painting), "picture": plain(at)}
    layers = {"network": network, "contentLayer": "conv4_2", "styleLayers": STYLE_LAYERS}
    found = ask("evaluation", {**pictures, **layers, "alpha": 0.3, "convention": "relative"})
    assert found["losses"].keys() == expected.losses.keys()
    assert found["losses"] == pytest.approx(expected.losses, rel=1e-4)
    assert found["loss"] == pytest.approx(expected.loss, rel=1e-4)
    assert distance(found["gradient"], expected.gradient) < 1e-4


@pytest.mark.parametrize("convention", ["mean", "printed"])
def test_other_layers_and_conventions_are_torchs_too(ask, convention):
    photo, painting, at, expected = case("compact", 64, "conv2_2", ("conv1_2", "conv3_1"), convention)
    pictures = {"content": plain(photo), "style": plain(painting), "picture": plain(at)}
    layers = {"network": "compact", "contentLayer": "conv2_2", "styleLayers": ["conv1_2", "conv3_1"]}
    found = ask("evaluation", {**pictures, **layers, "alpha": 0.3, "convention": convention})
    assert found["losses"] == pytest.approx(expected.losses, rel=1e-4)
    assert distance(found["gradient"], expected.gradient) < 1e-4


def test_the_graph_is_valid_and_runs_in_another_onnxruntime(ask):
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    photo, painting, at, expected = case("compact11", 85, "conv4_2", tuple(STYLE_LAYERS))
    net = stylelib.load_network("compact11", device="cpu")
    height, width = photo.shape[-2:]
    options = {"contentLayer": "conv4_2", "styleLayers": STYLE_LAYERS, "height": height, "width": width}
    model = base64.b64decode(ask("graph", {"network": "compact11", **options}))
    onnx.checker.check_model(model, full_check=True)
    content = net(photo, "conv4_2")["conv4_2"]
    feeds = {"image": at, "content": content, "pull content": torch.tensor([2 * 0.3 / content.square().sum()])}
    for layer, seen in net(painting, STYLE_LAYERS).items():
        gram = seen[0].flatten(1) @ seen[0].flatten(1).T / seen[0, 0].numel()
        positions = (height // net.stride(layer)) * (width // net.stride(layer))
        feeds[f"gram {layer}"] = gram
        feeds[f"pull {layer}"] = torch.tensor([4 / len(STYLE_LAYERS) / gram.square().sum() / positions])
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (gradient,) = session.run(["gradient"], {name: value.numpy() for name, value in feeds.items()})
    assert distance(gradient, expected.gradient) < 1e-4


def values_of(recipe):
    values = dataclasses.asdict(recipe)
    return {name: value for name, value in values.items() if name not in ("content", "style", "style_weights")}


def both(ask, recipe):
    """A recipe's run by the page and by stylelib."""
    run = recipe.finish()
    pictures = {role: plain(stylelib.load_image(getattr(recipe, role), recipe.size)) for role in ("content", "style")}
    return ask("run", {"recipe": values_of(recipe), **pictures}), run


def test_twenty_steps_of_l_bfgs_are_stylelibs(ask):
    found, run = both(ask, Recipe("transfer", "riverside", "woodcut", size=64, steps=20))
    assert found["evaluations"] == run.evaluations
    assert found["stopReason"] == run.stop_reason
    # Rounding differs in the last bits of float32, and each step makes the difference about twice as large.
    assert found["losses"][:8] == pytest.approx([record.loss for record in run.history][:8], rel=1e-4)
    assert found["losses"] == pytest.approx([record.loss for record in run.history], rel=0.02)
    assert (tensor(found["picture"]) - run.image).abs().mean() < 0.01


def test_coarse_to_fine_and_a_change_of_alpha_beta_are_stylelibs(ask):
    recipe = Recipe(
        "transfer", "valley", "woodcut", network="compact11", size=80, first_size=40, steps=8, changes=((2, 2.0),)
    )
    found, run = both(ask, recipe)
    assert found["evaluations"] == run.evaluations
    assert found["losses"] == pytest.approx([record.loss for record in run.history], rel=1e-3)
    assert (tensor(found["picture"]) - run.image).abs().mean() < 0.005


def test_l_bfgs_finds_the_bottom_of_a_valley_in_stylelibs_steps(ask):
    generator = torch.Generator().manual_seed(0)
    curvatures = torch.logspace(0, 3, 24)
    start = 2 * torch.randn(24, generator=generator)

    def evaluate(parameters):
        loss = (curvatures * parameters**2 + 1 - torch.cos(3 * parameters)).sum().item()
        return Evaluation(loss, {}, 2 * curvatures * parameters + 3 * torch.sin(3 * parameters))

    optimizer = stylelib.LBFGS()
    state, losses, evaluations = optimizer.start(start[None], evaluate(start[None])), [], 0
    for _ in range(20):

        def counted(parameters):
            nonlocal evaluations
            evaluations += 1
            return evaluate(parameters)

        state = answer(optimizer.step(state), counted)
        losses.append(state.evaluation.loss)
    found = ask("valley", {"curvatures": curvatures.tolist(), "start": start.tolist(), "steps": 20})
    assert found["evaluations"] == evaluations > 20, "some first trials were refused"
    assert found["losses"] == pytest.approx(losses, rel=1e-3)
    assert found["losses"][-1] < 0.01 * found["losses"][0]
    assert ask("refusal", [0, 0]) == "the gradient is zero"
    assert ask("refusal", [1, 1]) == "no step along the search direction lowers the loss any further"


def test_sizes_noise_and_resampling_are_stylelibs(ask):
    small = stylelib.load_image("night_swirls", 51)
    coarse = shrink(small, 0.4)
    large = stylelib.load_image("night_swirls")[..., :105, :150]
    fitted = stylelib.load_image(large, 19)  # so small that Pillow takes the means of blocks first
    found = ask("pictures", {"full": plain(large), "small": plain(small), "size": 19, "factor": 0.4})
    levels = (tensor(found["fitted"]) - fitted).abs().mul(255).round()
    assert levels.max() <= 1, "Pillow rounds to 8 bits between its two passes in another way"
    assert (levels > 0).float().mean() < 0.15
    torch.testing.assert_close(tensor(found["shrunk"]), coarse, atol=1e-4, rtol=0)
    torch.testing.assert_close(tensor(found["covered"]), _cover(small, 60, 30), atol=1e-4, rtol=0)
    continued = continue_from(0.8 * coarse + 0.1, coarse, small, "content")
    torch.testing.assert_close(tensor(found["continued"]), continued, atol=1e-4, rtol=0)
    torch.testing.assert_close(tensor(found["noise"]), stylelib.noise(31, 37, 5), atol=1e-5, rtol=0)
    assert found["sizes"] == [pytest.approx(shrinking(*one)) for one in ((256, 0), (256, 96), (700, 64))]


# What a visitor does


def state(page):
    """What the page says about its run."""
    try:
        return page.evaluate("window.styleTransfer")
    except playwright.Error as error:  # the page loads itself again once its service worker is there
        if "context was destroyed" not in str(error):
            raise
        return None


def until(page, condition, seconds=120):
    """Wait for a state of the run; the page's own rules forbid what wait_for_function does."""
    end = time.monotonic() + seconds
    while not condition(now := state(page) or {}):
        assert time.monotonic() < end, now
        page.wait_for_timeout(50)
    return now


def ready(now):
    return now.get("ready", False)


@pytest.fixture
def opened(address, watched):
    """Open the page with values in its address; the run waits for the visitor."""

    def open_page(values="", run="no", ready=ready):
        watched.page.goto(f"{address}?run={run}&{values}")
        until(watched.page, ready)
        return watched

    return open_page


def nothing_odd(watched):
    assert watched.complaints == []
    assert watched.outside == []


def picture(page):
    """The pixels of the picture on the page."""
    data = page.evaluate("document.getElementById('picture').toDataURL()")
    return np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB")).astype(float)


def test_it_runs_at_once_pauses_steps_and_starts_again(opened, screenshots):
    watched = opened("size=64&steps=400&network=compact11", run="yes")
    page = watched.page
    assert picture(page).shape == (43, 64, 3)
    running = until(page, lambda now: now["step"] >= 3)
    assert running["running"] and running["backend"] == "wasm" and running["size"] == [64, 43]
    assert running["millisecondsPerEvaluation"] > 0 and running["network"] == "compact11"
    page.get_by_role("button", name="Pause").click()
    until(page, lambda now: not now["running"])
    page.wait_for_timeout(500)
    paused, held = state(page)["step"], picture(page)
    page.wait_for_timeout(500)
    assert state(page)["step"] == paused and (picture(page) == held).all()
    page.get_by_role("button", name="One step").click()
    until(page, lambda now: now["step"] == paused + 1)
    assert not state(page)["running"] and (picture(page) != held).any()
    page.get_by_role("button", name="Start again").click()
    again = until(page, lambda now: now["ready"] and now["step"] == 0)
    assert again["evaluations"] == 1 and not again["running"]
    photograph = stylelib.load_image("riverside", 64)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(picture(page) - photograph).max() <= 3  # browsers decode JPEG with a level of difference
    nothing_odd(watched)


def test_alpha_beta_acts_while_it_runs_and_the_recipe_says_so(opened, tmp_path):
    watched = opened("size=64&steps=60&network=compact11")
    page = watched.page
    page.get_by_role("button", name="Run", exact=True).click()
    until(page, lambda now: now["step"] >= 2)
    slider = page.get_by_role("slider")
    slider.fill("1")
    changed = until(page, lambda now: now["alphaBeta"] == 10 and now["step"] >= 4)
    assert changed["losses"]["content conv4_2"] > 0
    done = until(page, lambda now: now["stopReason"] is not None)
    assert done["stopReason"] == "all 60 steps are done" and done["step"] == 60
    with page.expect_download() as download:
        page.get_by_role("button", name="Save recipe").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    recipe = Recipe.load(path)
    assert (recipe.content, recipe.style, recipe.network, recipe.size) == ("riverside", "night_swirls", "compact11", 64)
    ((step, value),) = recipe.changes
    assert 2 <= step < 60 and value == 10 and recipe.alpha_beta == Recipe().alpha_beta
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    with PIL.Image.open(download.value.path()) as image:
        assert image.format == "PNG" and image.size == (64, 43)
        made = torch.tensor(np.asarray(image.convert("RGB"))).permute(2, 0, 1)[None] / 255
    # The same recipe in Python ends at the same loss; without the change of α/β the loss is several times as large.
    run = recipe.finish()
    (shown,) = Evaluator(run.terms)(made)
    assert shown.loss == pytest.approx(run.history[-1].loss, rel=0.1)
    unchanged = dataclasses.replace(recipe, changes=()).finish().image
    assert Evaluator(run.terms)(unchanged)[0].loss > 2 * shown.loss
    nothing_odd(watched)


def test_layers_are_chosen_on_the_drawing_with_the_keyboard_too(opened, screenshots):
    watched = opened("size=64&network=compact11")
    page = watched.page
    assert list(state(page)["losses"]) == ["content conv4_2", *(f"style {layer}" for layer in STYLE_LAYERS)]
    page.get_by_label("conv3_2 for the content").check()
    until(page, lambda now: now["ready"] and "content conv3_2" in now["losses"])
    assert not page.get_by_label("conv4_2 for the content").is_checked()
    page.get_by_label("conv5_1 for the style").focus()
    page.keyboard.press("Space")
    until(page, lambda now: now["ready"] and "style conv5_1" not in now["losses"])
    page.get_by_label("conv3_2 for the content").uncheck()  # a reconstruction of the style, as in the paper's Figure 1
    style = until(page, lambda now: now["ready"] and not any(name.startswith("content") for name in now["losses"]))
    assert style["size"] == [64, 50], "it has the painting's size"
    expect(page.get_by_role("slider")).to_be_disabled()
    for layer in STYLE_LAYERS[:4]:
        page.get_by_label(f"{layer} for the style").click()
    expect(page.get_by_role("alert")).to_have_text("At least one layer has to be chosen.")
    page.screenshot(path=screenshots / "live-layers.png", full_page=True)
    nothing_odd(watched)


def png(width, height, mode="RGB"):
    buffer = io.BytesIO()
    PIL.Image.new(mode, (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(rotated=False):
    """A picture 96 × 48, red on the left; the EXIF orientation says that it has to be turned."""
    image = PIL.Image.new("RGB", (96, 48), "blue")
    image.paste("red", (0, 0, 48, 48))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6 if rotated else 1
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, quality=95)
    return buffer.getvalue()


BAD_FILES = {
    "nothing.jpg": (b"", "is empty"),
    "letter.png": (b"Dear teacher, " * 100, "is not a picture that this browser can open, or it is damaged"),
    "broken.png": (png(300, 200)[:60], "is damaged, or too large for this device's memory"),
    "IMG_0815.heic": (b"\0\0\0\x24ftypheic" + bytes(400), "is a HEIC photograph, which this browser cannot open"),
    "photo.jpg": (b"\0\0\0\x24ftypmif1" + bytes(400), "is a HEIC photograph, which this browser cannot open"),
    "huge.png": (png(16000, 12000, "1"), "is 16000 × 12000 pixels, which is too large to open here"),
    "icon.png": (png(16, 16), "is 16 × 16 pixels, which is too small"),
    "banner.png": (png(2000, 100), "is 2000 × 100 pixels, which is too long and narrow"),
}


def test_a_file_that_cannot_be_used_gets_one_sentence_and_changes_nothing(opened):
    watched = opened("size=64&network=compact11")
    page = watched.page
    for name, (content, sentence) in BAD_FILES.items():
        page.get_by_label("Your own photograph").set_input_files({"name": name, "mimeType": "", "buffer": content})
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text(f"{name} {sentence}")
        assert re.fullmatch(r"[^.]+(\.[^. ]+)*[^.]*\.", alert.inner_text()), "one sentence"
    assert page.locator("[data-role=content] .picture-title").inner_text() == "riverside"
    page.get_by_role("button", name="One step").click()
    until(page, lambda now: now["step"] == 1)
    nothing_odd(watched)


def test_own_pictures_are_upright_and_their_recipe_finds_them(opened, tmp_path):
    watched = opened("size=64&steps=3&network=compact11")
    page = watched.page
    page.get_by_label("Your own photograph").set_input_files(
        {"name": "phone.jpg", "mimeType": "image/jpeg", "buffer": jpeg(rotated=True)}
    )
    until(page, lambda now: now["ready"] and now["size"] == [32, 64])
    assert picture(page)[8, 16, 0] > 200 > 60 > picture(page)[56, 16, 0], "red is above, blue below"
    painting = png(120, 90)
    page.evaluate(DROP_PAINTING, ["dark.png", list(painting)])
    expect(page.locator("[data-role=style] .picture-title")).to_have_text("dark.png")
    until(page, ready)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save recipe").click()
    expect(page.get_by_role("alert")).to_contain_text("Keep phone.jpg and dark.png in the same folder.")
    files = {
        download.value.suggested_filename: pathlib.Path(download.value.path()).read_bytes(),
        "phone.jpg": jpeg(rotated=True),
        "dark.png": painting,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    recipe = Recipe.load(tmp_path / download.value.suggested_filename)
    assert recipe.prepare().shape[-2:] == (64, 32)

    watched = opened("size=64")
    saved = [{"name": name, "mimeType": "", "buffer": content} for name, content in files.items()]
    page.get_by_label("Open recipe").set_input_files(saved[:1])
    expect(page.get_by_role("alert")).to_have_text(
        "The recipe uses phone.jpg; choose or drop it together with the recipe."
    )
    page.get_by_label("Open recipe").set_input_files(saved)
    until(page, lambda now: now["ready"] and now["size"] == [32, 64] and now["network"] == "compact11")
    expect(page.get_by_label("Steps", exact=True)).to_have_value("3")
    nothing_odd(watched)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"network": "vgg19"}, "The recipe needs the network vgg19, and this page has compact and compact11"),
        ({"pooling": "max"}, "The recipe needs max pooling"),
        ({"optimizer": "adam"}, "The recipe needs the optimiser adam"),
        ({"size": 10**6}, "The recipe's size is 1000000"),
        ({"content_layer": "conv9_9"}, "has no layer conv9_9"),
        ({"format": 99}, "was made by a newer version of stylelib"),
        ({"kind": None}, "is not a recipe, or it is damaged"),
    ],
)
def test_a_recipe_that_the_page_cannot_make_gets_one_sentence(opened, tmp_path, change, sentence):
    Recipe(size=64, steps=2).save(tmp_path / "r.json")
    text = json.dumps({**json.loads((tmp_path / "r.json").read_text()), **change})
    watched = opened("size=64&network=compact11")
    watched.page.get_by_label("Open recipe").set_input_files(
        {"name": "r.json", "mimeType": "", "buffer": text.encode()}
    )
    expect(watched.page.get_by_role("alert")).to_contain_text(sentence)
    assert state(watched.page)["network"] == "compact11"
    nothing_odd(watched)


@pytest.mark.parametrize("width, height, theme", [(1440, 900, "light"), (800, 1000, "dark"), (390, 844, "light")])
def test_every_width_and_theme_fits(browser, address, screenshots, width, height, theme):
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=theme, has_touch=width < 500)
    page = context.new_page()
    page.goto(address + "?run=no&size=64&network=compact11")
    until(page, ready)
    small = page.evaluate("""[...document.querySelectorAll("button, select, label.button, .half, .thumb")]
        .filter((one) => one.offsetWidth && Math.min(one.offsetWidth, one.offsetHeight) < 20)
        .map((one) => one.outerHTML)""")
    assert small == [], "targets that are too small for a finger"
    if width < 500:
        page.get_by_role("button", name="One step").tap()
        until(page, lambda now: now["step"] == 1)
    background = "getComputedStyle(document.body).backgroundColor"
    for shown in (theme, {"light": "dark", "dark": "light"}[theme]):
        assert page.evaluate("document.documentElement.dataset.theme") == shown
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=screenshots / f"live-{width}-{shown}.png", full_page=True)
        before = page.evaluate(background)
        page.get_by_role("button", name=re.compile("Use .* colours")).click()
        page.wait_for_timeout(400)
        assert page.evaluate(background) != before
    context.close()


def test_the_keyboard_alone_is_enough(opened):
    watched = opened("size=64&steps=200&network=compact11")
    page = watched.page
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "run":
            break
    page.keyboard.press("Enter")
    until(page, lambda now: now["running"] and now["step"] >= 1)
    page.keyboard.press("Enter")
    until(page, lambda now: not now["running"])
    page.locator("[data-role=content] input[value=riverside]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-role=content] .picture-title")).not_to_have_text("riverside")
    until(page, ready)
    nothing_odd(watched)


def test_threads_come_with_a_service_worker_where_headers_are_missing(opened):
    watched = opened("size=64&threads=2", ready=lambda now: now.get("ready") and now["threads"] == 2)
    page = watched.page
    assert page.evaluate("crossOriginIsolated")
    page.get_by_role("button", name="One step").click()
    until(page, lambda now: now["step"] == 1)
    expect(page.locator("#backend")).to_contain_text("WebAssembly with SIMD in 2 threads")
    nothing_odd(watched)


def test_a_long_run_leaks_no_memory(opened):
    """One picture left behind at each step would be 65 MB in 220 steps; what is collected late is up to 40 MB."""
    watched = opened("size=192&first_size=0&steps=1000&network=compact11", run="yes")
    page = watched.page
    chromium = next(one for one in psutil.Process().children(recursive=True) if "chrom" in one.name())

    def memory(first, last):
        """The resident memory of the browser's pages and workers, in MB, at some of these steps."""
        until(page, lambda now: now["step"] >= first, seconds=400)
        seen = []
        while state(page)["step"] < last:
            pages = [one for one in chromium.children(recursive=True) if "--type=renderer" in one.cmdline()]
            seen.append(sum(one.memory_info().rss for one in pages) / 2**20)
            page.wait_for_timeout(200)
        return seen

    before, after = memory(50, 70), memory(270, 290)
    assert min(after) < max(before) + 50
    nothing_odd(watched)


def test_it_goes_on_after_the_tab_was_hidden(opened, browser):
    watched = opened("size=64&steps=1000&network=compact11", run="yes")
    page = watched.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    before = state(page)["step"]
    until(page, lambda now: now["step"] > before + 2)
    nothing_odd(watched)
