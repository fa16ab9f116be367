"""Two decks in a real Chromium at the size of a projector, from files and with the keyboard, as in a classroom."""

import pytest

from conftest import playwright
from tools import slides

expect = playwright.expect
DECKS = ("03_style_reconstruction", "08_paper_figures")
WHAT_IS_WRONG = """() => {
    const slide = Reveal.getCurrentSlide(), problems = [];
    if (slide.scrollHeight > slide.clientHeight || slide.scrollWidth > slide.clientWidth) problems.push("overflows");
    for (const part of slide.querySelectorAll("h2, p, img, pre, table, mjx-container, small, li")) {
        const box = part.closest("aside") ? null : part.getBoundingClientRect();
        if (box && (box.left < 0 || box.top < 0 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1))
            problems.push(`${part.tagName} is cut`);
    }
    for (const image of slide.querySelectorAll("img")) {
        if (!image.complete || !image.naturalWidth) problems.push(`${image.src} is missing`);
        if (image.height < 0.45 * innerHeight) problems.push(`${image.src} is small`);
    }
    if (slide.querySelector("mjx-merror, [data-mjx-error]")) problems.push("a formula is wrong");
    if (/\\$[^$]+\\$/.test(slide.querySelector("h2, p")?.textContent ?? "")) problems.push("a formula is not shown");
    return problems;
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("slides") / "for a class"
    try:
        slides.build(out, DECKS)
    except SystemExit as reason:
        if "npm" in str(reason):
            pytest.skip(str(reason))
        raise
    return out


@pytest.fixture
def page(browser, folder):
    """A projector's page; at the end it must not have complained, nor have asked a server for anything."""
    made = browser.new_page(viewport={"width": 1280, "height": 720})
    complaints, asked = [], []
    made.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("request", lambda request: asked.append(request.url))
    yield made
    made.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((folder.as_uri(), "data:"))] == []


@pytest.mark.parametrize("name", DECKS)
def test_every_slide_fits_and_shows_its_pictures_and_formulas(page, folder, screenshots, name):
    page.goto(f"{(folder / name).as_uri()}.html")
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    page.evaluate("MathJax.startup.promise")
    wrong = {}
    for number in range(count := page.evaluate("Reveal.getTotalSlides()")):
        assert page.evaluate("Reveal.getIndices().h") == number
        page.wait_for_function("[...Reveal.getCurrentSlide().querySelectorAll('img')].every((one) => one.complete)")
        if problems := page.evaluate(WHAT_IS_WRONG):
            wrong[number + 1] = problems
        page.screenshot(path=screenshots / f"slide-{name[:2]}-{number + 1:02}.png")
        page.keyboard.press("ArrowRight")
    assert wrong == {}
    assert count > 20 and page.locator("mjx-container").count() > 0


def test_the_list_leads_to_the_decks(page, folder):
    page.goto((folder / "index.html").as_uri())
    expect(page.get_by_role("listitem")).to_have_count(len(DECKS))
    page.get_by_role("link", name="Style reconstruction").click()
    expect(page.locator("section.present h2")).to_have_text("Style reconstruction")
    page.keyboard.press("End")
    expect(page.locator("section.present")).to_have_class("list present")


def test_the_speakers_view_opens_with_the_notebooks_text(page, folder):
    page.goto(f"{(folder / DECKS[0]).as_uri()}.html#/2")
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    view = opened.value
    expect(view.locator(".speaker-controls-notes .value")).to_contain_text("unsolved jigsaw puzzle")
    view.close()
