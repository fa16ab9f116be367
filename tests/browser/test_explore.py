"""The explorables in a real Chromium: what they show is what torch computes for the same pictures."""

import time

import pytest
import torch

import stylelib
from conftest import files_of
from stylelib import losses
from stylelib.evaluation.evaluator import Evaluator
from tools.web import explore, live, vendor

LAYERS = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]


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
    """Wait for a state of the page; its own rules forbid what wait_for_function does."""
    end = time.monotonic() + seconds
    while not ((now := page.evaluate(STATE)) and condition(now)):
        assert time.monotonic() < end, "the page does not get there"
        page.wait_for_timeout(50)
    return now


STATE = """() => JSON.parse(JSON.stringify(window.explore ?? null, (_, value) =>
    ArrayBuffer.isView(value) ? Array.from(value) : value))"""


@pytest.fixture(scope="module")
def net():
    return stylelib.load_network("compact", device="cpu")


def tensor(planes, picture):
    return torch.tensor(planes).reshape(1, 3, picture["height"], picture["width"])


def pictures_of(now):
    return {role: tensor(one["planes"], one) for role, one in now["pictures"].items()}


def seen(net, picture):
    with torch.no_grad():
        return net(picture, LAYERS)


def test_a_place_has_the_fields_and_the_strongest_filters_that_torch_finds(opened, net):
    page = opened.page
    canvas = page.locator("#fields canvas").first
    canvas.click(position={"x": 100, "y": 60})
    now = until(page, lambda now: now["fields"]["place"][0] < 40)
    photo = pictures_of(now)["content"]
    column, row = now["fields"]["place"]
    for layer, shown in now["fields"]["layers"].items():
        x, y = shown["position"]
        answers = seen(net, photo)[layer][0, :, y, x]
        assert [x, y] == [column // net.stride(layer), row // net.stride(layer)]
        top = answers.topk(len(shown["filters"]))
        assert [one["value"] for one in shown["filters"]] == pytest.approx(top.values.tolist(), rel=1e-3)
        assert shown["field"]["side"] == net.receptive_field(layer)
    canvas.press("ArrowRight")
    assert until(page, lambda now: now["fields"]["place"] != [column, row])["fields"]["place"][1] == row


def test_an_entry_of_the_gram_matrix_is_torchs(opened, net):
    page = opened.page
    page.locator("#gram select").select_option("conv3_1")
    now = until(page, lambda now: now["gram"]["layer"] == "conv3_1")
    before = now["gram"]["filters"]
    page.locator("#gram .matrix").press("ArrowDown")
    now = until(page, lambda now: now["gram"]["filters"] != before)
    activations = seen(net, pictures_of(now)["style"])["conv3_1"]
    gram = losses.gram_matrix(activations)[0] / activations[0, 0].numel()
    one, other = now["gram"]["filters"]
    assert one != other and now["gram"]["entry"] == pytest.approx(gram[one, other].item(), rel=1e-3)
    largest = gram.diagonal().topk(24).indices.tolist()
    assert one in largest and other in largest
    assert page.locator("#gram .patches canvas").count() == 4


@pytest.mark.parametrize("tile", [8, 32])
def test_shuffled_tiles_change_the_style_losses_as_in_torch(opened, net, tile):
    page = opened.page
    page.locator("#puzzle select").select_option(str(tile))
    now = until(page, lambda now: now["puzzle"]["tile"] == tile)
    painting = pictures_of(now)["style"]
    mixed = tensor(now["puzzle"]["planes"], now["pictures"]["style"])
    assert not torch.equal(mixed, painting), "tiles have moved"
    assert torch.equal(mixed.flatten(2).sort(2).values, painting.flatten(2).sort(2).values), "and nothing else"
    term = stylelib.Style(net, painting, LAYERS, weight=len(LAYERS))
    for kind, picture in {"shuffled": mixed, "mirror": painting.flip(3)}.items():
        (evaluation,) = Evaluator([term])(picture)
        expected = {name.removeprefix("style "): value for name, value in evaluation.losses.items()}
        assert now["puzzle"]["changes"][kind] == pytest.approx(expected, rel=2e-3), kind
    changes = now["puzzle"]["changes"]
    assert changes["shuffled"]["conv1_1"] < changes["shuffled"]["conv5_1"]
    assert changes["other"]["conv1_1"] > 10 * changes["shuffled"]["conv1_1"], "the control"


def test_a_layer_is_reconstructed_and_kept(opened, net):
    page = opened.page
    slider = page.locator("#reconstruction input")
    slider.fill("0")
    now = until(page, lambda now: now["reconstruction"].get("done"))
    assert now["reconstruction"]["layer"] == "conv1_2" and now["reconstruction"]["number"] > 20
    made = tensor(now["reconstruction"]["planes"], now["pictures"]["content"])
    (evaluation,) = Evaluator([stylelib.Content(net, pictures_of(now)["content"], "conv1_2")])(made)
    assert now["reconstruction"]["loss"] == pytest.approx(evaluation.loss, rel=2e-2) and evaluation.loss < 0.05
    slider.fill("1")
    until(page, lambda now: now["reconstruction"]["layer"] == "conv2_2" and 0 < now["reconstruction"]["number"] < 40)
    slider.fill("0")
    again = until(page, lambda now: now["reconstruction"]["layer"] == "conv1_2", seconds=2)
    assert again["reconstruction"]["done"] and again["reconstruction"]["planes"] == now["reconstruction"]["planes"]


def test_one_step_follows_torchs_gradient(opened, net):
    page = opened.page
    now = page.evaluate(STATE)
    pictures = pictures_of(now)
    terms = [stylelib.Content(net, pictures["content"], weight=stylelib.experiments.ALPHA_BETA)]
    evaluator = Evaluator([*terms, stylelib.Style(net, pictures["style"])])
    (expected,) = evaluator(pictures["content"])
    found = tensor(now["step"]["gradient"], now["pictures"]["content"])
    assert ((found - expected.gradient).norm() / expected.gradient.norm()).item() < 1e-3
    page.get_by_role("button", name="Take a step").click()
    after = until(page, lambda now: now["step"]["number"] == 1)
    (expected_after,) = evaluator(tensor(after["step"]["planes"], after["pictures"]["content"]))
    assert after["step"]["loss"] == pytest.approx(expected_after.loss, rel=1e-3) and expected_after.loss < expected.loss
    page.get_by_role("button", name="Again from the photograph").click()
    assert until(page, lambda now: now["step"]["number"] == 0)["step"]["loss"] == pytest.approx(expected.loss, rel=1e-3)


def test_pictures_of_ones_own_and_what_is_none(opened, tmp_path):
    page = opened.page
    before = page.evaluate(STATE)["pictures"]["content"]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    page.locator("#content-file").set_input_files(tmp_path / "broken.jpg")
    message = page.locator("#message")
    message.wait_for()
    assert "broken.jpg is not a picture" in message.text_content()
    assert page.evaluate(STATE)["pictures"]["content"] == before
    opened.complaints.clear()  # of the browser, about the broken file
    stylelib.save_image(stylelib.load_image("cat", 96), tmp_path / "mine.png")
    page.locator("#content-file").set_input_files(tmp_path / "mine.png")
    now = until(page, lambda now: now["pictures"]["content"]["width"] == now["pictures"]["content"]["height"])
    assert now["pictures"]["content"]["width"] == 96 and not message.is_visible()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (800, "dark"), (390, "dark")])
def test_everyone_can_use_it_at_every_width(address, axe, browser, screenshots, width, theme):
    page = browser.new_page(bypass_csp=True, viewport={"width": width, "height": 900}, color_scheme=theme)
    page.goto(address)
    until(page, lambda now: now["ready"])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.add_script_tag(path=axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    page.screenshot(path=screenshots / f"explore-{width}-{theme}.png", full_page=True)
    page.close()
