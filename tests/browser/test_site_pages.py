"""The site's pages in a real Chromium, offline, served from a subfolder by a plain server of files."""

import re

import pytest

from conftest import files_of, playwright
from tools import refresh
from tools.web import book, links, vendor

pytest.importorskip("sphinx_book_theme", reason='needs the extra site: pip install -e ".[site]"')
expect = playwright.expect
PAGES = (
    "index",
    "notebooks/00_start_here",
    "notebooks/06_content_and_style_weights",
    "notebooks/solutions/03_style_reconstruction",
    "docs/glossary",
    "docs/architecture",
    "docs/fidelity",
    "stylelib/weights/data/README",
    "CONTRIBUTING",
    "search",
)
PANEL = "notebooks/07_content_layer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The built site, without the live page, which has tests of its own."""
    root = tmp_path_factory.mktemp("server")
    try:
        axe = vendor.archive(vendor.AXE)
        book.build(root / "a school", address="")
    except SystemExit as reason:
        if "npm" in str(reason):
            pytest.skip(str(reason))
        raise
    assert axe.exists()
    vendor.extract(vendor.AXE, {"axe.min.js": "axe.min.js"}, root)
    return root / "a school"


@pytest.fixture(scope="module")
def address(folder):
    """The address of the folder that holds the pages."""
    with files_of(folder.parent) as server:
        yield f"{server}/a%20school/"


@pytest.fixture
def opened(address, watched):
    """Open a page; at the end it must not have complained, nor have asked another server for anything."""

    def open_page(name):
        watched.page.goto(f"{address}{name}.html")
        return watched.page

    yield open_page
    assert watched.complaints == []
    assert watched.outside == []


def test_every_link_leads_somewhere(folder):
    elsewhere = ("live/index.html", "explore/index.html", "slides/index.html")  # these have tests of their own
    assert [one for one in links.broken(folder) if not any(page in one for page in elsewhere)] == []
    assert (
        len(list(folder.glob("notebooks/0*.html"))) == 9 and len(list(folder.glob("notebooks/solutions/*.html"))) == 9
    )


def test_a_search_is_typed_and_finds_a_page(opened):
    page = opened("notebooks/00_start_here")
    assert page.locator("button.search-button-field:visible, button.search-button:visible").count() == 1
    page.keyboard.press("Control+K")
    page.keyboard.type("Gram matrix")
    page.keyboard.press("Enter")
    found = page.locator("ul.search a", has_text="Style reconstruction")
    found.first.click()
    expect(page.locator("h1").first).to_contain_text("Style reconstruction")


def test_a_recording_is_scrubbed_with_the_keyboard_alone(opened):
    page = opened(PANEL)
    scrubber = page.locator("figure.scrubber")
    picture, step = scrubber.locator("img"), scrubber.get_by_role("slider", name="Step")
    seen = {picture.get_attribute("src")}
    expect(picture).to_have_attribute("alt", "The picture after step 100: Content layer conv4_2, α/β 0.2")
    step.focus()
    page.keyboard.press("Home")
    expect(picture).to_have_attribute("alt", re.compile("after step 0:"))
    expect(step).to_have_attribute("aria-valuetext", "0 of 100")
    expect(scrubber.get_by_role("listitem").first).to_have_text("content conv4_20")
    seen.add(picture.get_attribute("src"))
    page.keyboard.press("ArrowRight")
    expect(picture).to_have_attribute("alt", re.compile("after step 1:"))
    seen.add(picture.get_attribute("src"))
    page.keyboard.press("End")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    expect(picture).to_have_attribute("alt", "The picture after step 100: Content layer conv4_2, α/β 0.8")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Home")
    expect(picture).to_have_attribute("alt", "The picture after step 100: Content layer conv1_2, α/β 0.8")
    expect(scrubber.locator("figcaption")).to_contain_text("content conv1_2 × 0.8")
    seen.add(picture.get_attribute("src"))
    assert len(seen) == 4
    page.wait_for_function("document.querySelector('figure.scrubber img').complete")
    assert page.evaluate("document.querySelector('figure.scrubber img').naturalWidth") == 240
    assert scrubber.locator("svg polyline").count() == 6


def test_formulas_are_shown_and_no_picture_is_broken(opened, folder):
    page = opened("notebooks/03_style_reconstruction")
    page.locator("mjx-container").first.wait_for()
    assert page.locator("mjx-container[display=true]").count() >= 3
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    for name in ("notebooks/00_start_here", "index", "docs/fidelity"):
        page = opened(name)
        page.evaluate("document.querySelectorAll('img').forEach((one) => (one.loading = 'eager'))")
        page.wait_for_function("[...document.images].every((one) => one.complete)")
        broken = page.evaluate("[...document.images].filter((one) => !one.naturalWidth).map((one) => one.src)")
        assert broken == []
    cards = [one for one in refresh.read(book.ROOT / "notebooks/00_start_here.ipynb").cells if one.get("attachments")]
    shown = (folder / "notebooks/00_start_here.html").read_text(encoding="utf-8")
    assert cards and "attachment:" not in shown and shown.count("card-link") == 0


def test_folded_cells_are_folded_and_unfold(opened):
    page = opened("notebooks/02_content_reconstruction")
    folded = page.locator("details.hide", has_text="# Checks").first
    expect(folded.locator("pre")).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.locator("pre")).to_be_visible()
    assert page.get_by_text("Studio(children").count() == 0


def test_a_page_without_an_address_offers_the_download_and_says_what_to_do(opened, folder):
    page = opened(PANEL)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    cells = refresh.read(download.value.path()).cells
    assert ["navigation"] in [cell.metadata.get("tags") for cell in cells], "as committed, not as the page shows it"
    assert page.get_by_role("link", name="Open in").count() == 0
    expect(page.locator("footer.bd-footer-content")).to_contain_text("The project has no address yet.")


def test_without_javascript_the_last_picture_of_a_recording_is_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{PANEL}.html")
    expect(page.locator("figure.scrubber img")).to_be_visible()
    expect(page.locator("figure.scrubber figcaption")).to_contain_text("Recorded: compact")
    context.close()


@pytest.mark.parametrize("width, theme", [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_pages_fit_and_can_be_used_by_everyone(browser, folder, address, screenshots, width, theme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    troubles = []
    for name in PAGES:
        page.goto(f"{address}{name}.html")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        if page.locator(".math").count():
            page.locator("mjx-container").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.add_script_tag(path=folder.parent / "axe.min.js")
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        troubles += [
            (name, one["id"], node["html"][:160], node["failureSummary"][:300])
            for one in found
            for node in one["nodes"]
        ]
        page.screenshot(path=screenshots / f"site-{name.replace('/', '-')}-{width}-{theme}.png")
    assert troubles == []
    context.close()


def test_pictures_are_not_dimmed_on_a_dark_page_and_captions_can_be_read(browser, address):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}{PANEL}.html")
    looks = page.evaluate("""[...document.querySelectorAll(".bd-content .cell_output img")].map((one) => {
        const { filter, backgroundColor, padding } = getComputedStyle(one);
        return [filter, backgroundColor, padding].join(" ");
    })""")
    assert set(looks) == {"none rgba(0, 0, 0, 0) 0px"}
    lightness = """[...document.querySelectorAll(".cell_output small, figcaption")].map((one) =>
        Math.min(...getComputedStyle(one).color.match(/\\d+/g).slice(0, 3).map(Number)))"""
    assert min(page.evaluate(lightness)) > 140
    context.close()


def test_on_paper_there_is_the_article_alone_and_the_paper_is_white(opened):
    opened(PANEL).emulate_media(color_scheme="dark")
    page = opened(PANEL)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function(f"{background} === 'rgb(255, 255, 255)'")
    for hidden in (".bd-sidebar-primary", ".bd-header-article", ".launch", "figure.scrubber input"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("figure.scrubber img")).to_be_visible()
    page.emulate_media(media="screen", color_scheme="dark")
    page.wait_for_function(f"{background} === '{dark}'")
