"""The explorables in a real Chromium: what they show is what torch computes for the same pictures."""

import time

import pytest
import torch

import stylelib
from conftest import DROP_PAINTING, files_of
from stylelib import losses
from stylelib.evaluation.evaluator import Evaluator
from tools.web import explore, live, vendor

LAYERS = list(stylelib.STYLE_LAYERS)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    try:
        live.build(root / "a school" / "live")
    except SystemExit as reason:
        pytest.skip(str(reason))
    explore.build(root / "a school" / "explore")
    with files_of(root) as server:
        yield f"{server}/a%20school/explore/"


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The program that finds what people with an impairment cannot use."""
    folder = tmp_path_factory.mktemp("axe")
    try:
        vendor.extract(vendor.AXE, {"axe.min.js": "axe.min.js"}, folder)
    except SystemExit as reason:
        pytest.skip(str(reason))
    return folder / "axe.min.js"


@pytest.fixture
def opened(address, watched):
    watched.page.goto(address)
    until(watched.page, lambda now: now["ready"])
    yield watched
    assert watched.complaints == [] and watched.outside == []


def until(page, condition, seconds=90):
    """Wait for a state of the page, and return it without its pictures; its own rules forbid wait_for_function."""
    end = time.monotonic() + seconds
    while not ((now := page.evaluate(STATE, False)) and condition(now)):
        assert time.monotonic() < end, f"the page does not get there: {now}"
        page.wait_for_timeout(50)
    return now


STATE = """(pictures) => JSON.parse(JSON.stringify(window.explore ?? null, (_, value) =>
    !ArrayBuffer.isView(value) ? value : pictures ? Array.from(value) : undefined))"""


@pytest.fixture(scope="module")
def net():
    return stylelib.load_network("compact", device="cpu")


def state_of(page):
    """Return the state of the page, with its pictures."""
    return page.evaluate(STATE, True)


def tensor(planes, picture):
    return torch.tensor(planes).reshape(1, 3, picture["height"], picture["width"])


def pictures_of(now):
    return {role: tensor(one["planes"], one) for role, one in now["pictures"].items()}


def seen(net, picture):
    with torch.no_grad():
        return net(picture, LAYERS)


def test_a_place_has_the_squares_and_the_strongest_filters_that_torch_finds(opened, net):
    page = opened.page
    canvas = page.locator("#fields .photograph")
    canvas.click(position={"x": 100, "y": 60})
    until(page, lambda now: now["fields"]["place"][0] < 40)
    now = state_of(page)
    activations = seen(net, pictures_of(now)["content"])
    column, row = now["fields"]["place"]
    for layer, shown in now["fields"]["layers"].items():
        x, y = shown["position"]
        answers = activations[layer][0, :, y, x]
        assert [x, y] == [column // net.stride(layer), row // net.stride(layer)]
        top = answers.topk(len(shown["filters"]))
        strongest = pytest.approx(top.values.tolist(), rel=1e-4)
        assert [one["value"] for one in shown["filters"]] == strongest
        assert [answers[one["filter"]].item() for one in shown["filters"]] == strongest
        assert shown["field"]["side"] == net.receptive_field(layer)
        assert shown["field"]["left"] < column < shown["field"]["left"] + shown["field"]["side"]
    canvas.press("ArrowRight")
    assert until(page, lambda now: now["fields"]["place"] != [column, row])["fields"]["place"] == [column + 4, row]

    # Where the gradient of a position's activations is not zero, there is the square, and it reaches all its sides.
    photo = pictures_of(now)["content"].requires_grad_()
    shown = now["fields"]["layers"]["conv3_1"]
    x, y = shown["position"]
    (gradient,) = torch.autograd.grad(net(photo, "conv3_1")["conv3_1"][0, :, y, x].sum(), photo)
    rows, columns = gradient.abs().sum(1)[0].nonzero().unbind(1)
    left, top = [shown["field"][name] for name in ("left", "top")]
    assert [columns.min().item(), rows.min().item()] == [left, top], "it lies within the photograph"
    right, bottom = [corner + shown["field"]["side"] - 1 for corner in (left, top)]
    assert [columns.max().item(), rows.max().item()] == [right, bottom]


def test_an_entry_of_the_gram_matrix_is_torchs(opened, net):
    """It begins with the two filters that are active together most, compared with chance; then others are chosen."""
    page = opened.page
    now = state_of(page)
    activations = seen(net, pictures_of(now)["style"])["conv2_1"]
    gram = losses.gram_matrix(activations)[0] / activations[0, 0].numel()
    kept = gram.diagonal().topk(24).indices
    means = activations[0].mean((1, 2))
    times = (gram / means.outer(means))[kept][:, kept].fill_diagonal_(0)
    i, j = now["gram"]["filters"]
    assert i != j and (gram[i, j] / means[i] / means[j]).item() == pytest.approx(times.max().item(), rel=1e-4)
    assert f"{times.max().item():.1f} times" in page.locator("#gram .words").text_content()

    page.locator("#gram select").select_option("conv3_1")
    now = until(page, lambda now: now["gram"]["layer"] == "conv3_1")
    before = now["gram"]["filters"]
    page.locator("#gram .matrix").press("ArrowUp")
    until(page, lambda now: now["gram"]["filters"] != before)
    now = state_of(page)
    activations = seen(net, pictures_of(now)["style"])["conv3_1"]
    gram = losses.gram_matrix(activations)[0] / activations[0, 0].numel()
    largest = gram.diagonal().topk(24).indices.tolist()
    one, other = now["gram"]["filters"]
    assert one in largest and other in largest
    assert now["gram"]["entry"] == pytest.approx(gram[one, other].item(), rel=1e-4)
    product = activations[0, one] * activations[0, other]
    row, column = divmod(product.argmax().item(), product.shape[1])
    stride = net.stride("conv3_1")
    assert now["gram"]["places"][0] == [(column + 0.5) * stride, (row + 0.5) * stride]
    assert page.locator("#gram .patches canvas").count() == len(now["gram"]["places"]) > 1


def test_shuffled_tiles_change_the_style_losses_as_in_torch(opened, net):
    page = opened.page
    for tile in (32, 8):
        page.locator("#puzzle select").select_option(str(tile))
        until(page, lambda now, tile=tile: now["puzzle"]["tile"] == tile)
        now = state_of(page)
        painting = pictures_of(now)["style"]
        mixed = tensor(now["puzzle"]["planes"], now["pictures"]["style"])
        assert not torch.equal(mixed, painting), "tiles have moved"
        assert torch.equal(mixed.flatten(2).sort(2).values, painting.flatten(2).sort(2).values), "and nothing else"
        term = stylelib.Style(net, painting, LAYERS, weight=len(LAYERS))
        for kind, picture in {"shuffled": mixed, "mirror": painting.flip(3)}.items():
            (evaluation,) = Evaluator([term])(picture)
            expected = {name.removeprefix("style "): value for name, value in evaluation.losses.items()}
            assert now["puzzle"]["changes"][kind] == pytest.approx(expected, rel=1e-3), kind
        changes = now["puzzle"]["changes"]
        assert changes["shuffled"]["conv1_1"] < changes["shuffled"]["conv5_1"]
        assert changes["other"]["conv1_1"] > 10 * changes["shuffled"]["conv1_1"], "the control"
    page.get_by_role("button", name="Shuffle").click()
    until(page, lambda later: later["puzzle"]["number"] > now["puzzle"]["number"])
    again = state_of(page)["puzzle"]
    assert again["tile"] == 8 and again["planes"] != now["puzzle"]["planes"], "another order of the same tiles"


def test_layers_are_reconstructed_and_kept_and_other_sections_go_on_meanwhile(opened, net):
    page = opened.page
    slider = page.locator("#reconstruction input")
    page.get_by_role("button", name="Begin from noise").click()
    until(page, lambda now: now["reconstruction"]["done"])
    done = state_of(page)
    now, photo = done["reconstruction"], pictures_of(done)["content"]
    assert now["layer"] == "conv1_2" and now["number"] > 20 and not now["going"]
    made = tensor(now["planes"], done["pictures"]["content"])
    (evaluation,) = Evaluator([stylelib.Content(net, photo, "conv1_2")])(made)
    assert now["loss"] == pytest.approx(evaluation.loss, rel=1e-3) and evaluation.loss < 0.005
    begun = stylelib.noise(*photo.shape[-2:], 0)
    (first,) = Evaluator([stylelib.Content(net, photo, "conv1_2")])(begun)
    assert first.loss > 20 * evaluation.loss, "the noise that it began from"

    shuffled_meanwhile = """async () => {
        const soon = () => new Promise((resolve) => setTimeout(resolve, 5));
        while (window.explore.reconstruction.layer !== "conv2_2" || !window.explore.reconstruction.number) await soon();
        const before = window.explore.puzzle.number;
        document.querySelector("#puzzle button").click();
        while (window.explore.puzzle.number === before) await soon();
        const { number, done } = window.explore.reconstruction;
        [...document.querySelectorAll("#reconstruction button")].find((one) => one.textContent === "Pause").click();
        return { number, done };
    }"""  # in the page, because a look from outside takes long
    slider.press("ArrowRight")
    between = page.evaluate(shuffled_meanwhile)
    assert between["number"] > 0 and not between["done"], "the shuffle did not wait for the reconstruction's end"
    until(page, lambda now: not now["reconstruction"]["going"])
    slider.press("ArrowLeft")
    until(page, lambda now: now["reconstruction"]["layer"] == "conv1_2")
    again = state_of(page)["reconstruction"]
    assert again["done"] and again["planes"] == now["planes"]
    slider.press("ArrowRight")
    later = until(page, lambda now: now["reconstruction"]["layer"] == "conv2_2")["reconstruction"]
    assert later["number"] >= between["number"], "it is kept as it was left"


def test_one_step_follows_torchs_gradient(opened, net):
    page = opened.page
    now = state_of(page)
    pictures = pictures_of(now)
    terms = [stylelib.Content(net, pictures["content"], weight=stylelib.experiments.ALPHA_BETA)]
    evaluator = Evaluator([*terms, stylelib.Style(net, pictures["style"])])
    (expected,) = evaluator(pictures["content"])
    found = tensor(now["step"]["gradient"], now["pictures"]["content"])
    assert ((found - expected.gradient).norm() / expected.gradient.norm()).item() < 1e-4
    assert now["step"]["stage"] == "picture"
    page.get_by_role("button", name="Gradient").click()
    until(page, lambda now: now["step"]["stage"] == "gradient")
    page.get_by_role("button", name="Step").click()
    until(page, lambda now: now["step"]["number"] == 1)
    after = state_of(page)
    stepped = tensor(after["step"]["planes"], after["pictures"]["content"])
    (expected_after,) = evaluator(stepped)
    assert after["step"]["loss"] == pytest.approx(expected_after.loss, rel=1e-4) and expected_after.loss < expected.loss
    move = (stepped - pictures["content"]).flatten()
    downhill = -expected.gradient.flatten()
    assert (move @ downhill / move.norm() / downhill.norm()).item() > 0.9999, "the first step is along the gradient"
    page.get_by_role("button", name="Step").click()
    second = until(page, lambda now: now["step"]["number"] == 2)["step"]
    assert second["loss"] < after["step"]["loss"]
    page.get_by_role("button", name="Again from the photograph").click()
    assert until(page, lambda now: now["step"]["number"] == 0)["step"]["loss"] == pytest.approx(expected.loss, rel=1e-4)


def test_pictures_of_ones_own_and_what_is_none(opened, tmp_path):
    page = opened.page
    before = state_of(page)["pictures"]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    page.get_by_label("Your own photograph").set_input_files(tmp_path / "broken.jpg")
    message = page.get_by_role("alert")
    message.wait_for()
    assert "broken.jpg is not a picture" in message.text_content()
    assert state_of(page)["pictures"] == before
    opened.complaints.clear()  # of the browser, about the broken file
    page.get_by_role("button", name="Begin from noise").click()
    until(page, lambda now: now["reconstruction"]["number"] > 0)
    stylelib.save_image(stylelib.load_image("cat", 96), tmp_path / "mine.png")
    page.get_by_label("Your own photograph").set_input_files(tmp_path / "mine.png")
    until(page, lambda now: now["pictures"]["content"]["name"] == "mine.png")
    now = state_of(page)
    assert not now["reconstruction"]["going"], "it belonged to another photograph"
    assert now["pictures"]["content"]["width"] == now["pictures"]["content"]["height"] == 96
    assert len(now["reconstruction"]["planes"]) == 3 * 96 * 96 and now["reconstruction"]["number"] == 0
    assert not message.is_visible()
    page.evaluate(DROP_PAINTING, ["dropped.png", list((tmp_path / "mine.png").read_bytes())])
    until(page, lambda now: now["pictures"]["style"]["name"] == "dropped.png" and now["step"]["loss"] < 1e-6)
    page.get_by_text("36 tiles").wait_for()  # 96 / 16 = 6 across, and 6 down
    page.locator("[data-role=style] input[value=mosaic]").check()
    until(page, lambda now: now["pictures"]["style"]["name"] == "mosaic")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (800, "dark"), (390, "dark")])
def test_everyone_can_use_it_at_every_width(address, axe, browser, screenshots, width, theme):
    size = {"width": width, "height": 900}
    page = browser.new_page(bypass_csp=True, viewport=size, color_scheme=theme, has_touch=width < 500)
    page.goto(address)
    until(page, lambda now: now["ready"])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    small = page.evaluate("""[...document.querySelectorAll("button, select, label.button, .thumb, input[type=range]")]
        .filter((one) => one.offsetWidth && one.offsetHeight < 40).map((one) => one.outerHTML)""")
    assert small == [], "targets that are too small for a finger"
    if width < 500:
        page.locator("#fields .photograph").tap(position={"x": 40, "y": 40})
        until(page, lambda now: now["fields"]["place"][0] < 30)
        before = until(page, lambda now: True)["gram"]["filters"]
        page.locator("#gram .matrix").tap(position={"x": 40, "y": 100})
        until(page, lambda now: now["gram"]["filters"] != before)
        page.get_by_role("button", name="Step").tap()
        until(page, lambda now: now["step"]["number"] == 1)
    page.add_script_tag(path=axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    page.screenshot(path=screenshots / f"explore-{width}-{theme}.png", full_page=True)
    page.close()


def test_the_links_to_the_notebooks_lead_elsewhere_or_are_left_out(tmp_path):
    explore.build(tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert text.count('href="../notebooks/0') == 5
    explore.build(tmp_path, notebooks="https://example.org/read/")
    moved = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert moved.count('href="https://example.org/read/0') == 5 and "../notebooks/" not in moved
    explore.build(tmp_path, notebooks=None)
    without = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "otebook 0" not in without and without.count("<a ") == text.count("<a ") - 5
