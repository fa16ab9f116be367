"""The notebooks and the studio in JupyterLab, as a reader has them: with a mouse, and with the keyboard alone."""

import json
import re

import PIL.Image
import pytest

from conftest import playwright, run_all

expect = playwright.expect
STUDIO = """
from stylelib import studio
from stylelib.recipes import Recipe
studio.Studio(Recipe(size={size}, steps={steps}))
"""
# JupyterLab asks the browser for `attachment:card.jpg` before it replaces that by the picture itself.
ERRORS = ".jp-OutputArea-output[data-mime-type*=error], .jp-OutputArea-output[data-mime-type*=stderr]"
HARMLESS = re.compile(r"ERR_UNKNOWN_URL_SCHEME")


def title(path):
    """What a notebook's heading says."""
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    return re.search(r"^# (.+)$", first, re.MULTILINE)[1]


def the(page, name):
    """The studio's button of that name."""
    return page.locator(".jupyter-widgets").get_by_role("button", name=re.compile(rf"\W?{name}$"))  # after its icon


def source(locator):
    return locator.get_attribute("src")


def picture(page):
    return page.locator(".jupyter-widgets.widget-image").first


def status(page):
    return page.locator("[role=status]").first


def upload(page, path):
    """Choose a file as the content image."""
    with page.expect_file_chooser() as chooser:
        page.locator(".jupyter-widgets button", has_text="Own content image").click()
    chooser.value.set_files(path)


def nothing_odd(watched):
    assert [one for one in watched.complaints if not HARMLESS.search(one)] == []
    assert watched.outside == []


def close_news(page):
    """JupyterLab's question about news hides the corner of the page."""
    news = page.get_by_role("button", name="No", exact=True)
    if news.count():
        news.first.click()


def test_the_first_notebook_runs_and_its_picture_forms(in_lab, screenshots):
    watched = in_lab("00_start_here.ipynb")
    page = watched.page
    page.screenshot(path=screenshots / "00-opened.png")
    pictures = page.locator(".jp-OutputArea-output img")
    pictures.first.wait_for()
    committed = source(pictures.first)
    run_all(page)
    page.wait_for_function(
        "before => document.querySelector('.jp-OutputArea-output img')?.src !== before", arg=committed
    )
    page.get_by_text("(ipykernel) | Idle").wait_for()
    assert page.locator(ERRORS).count() == 0
    assert page.evaluate("[...document.images].filter(image => !image.naturalWidth).length") == 0
    pictures.first.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # JupyterLab draws cells when they come into view
    page.screenshot(path=screenshots / "00-run.png")
    nothing_odd(watched)


def test_a_reader_gets_from_the_first_notebook_to_the_last_by_the_links_alone(in_lab, screenshots, workplace):
    names = sorted(path.name for path in workplace.glob("[0-9][0-9]_*.ipynb"))
    watched = in_lab(names[0])
    page = watched.page
    close_news(page)
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    for following in names[1:]:
        shown.locator(f"a[href*='{following}']").first.click()
        page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) h1", has_text=title(workplace / following)).wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=screenshots / f"page-{following[:2]}.png")
        broken = "[...document.images].filter(image => image.complete && !image.naturalWidth).length"
        assert page.evaluate(broken) == 0, following
    nothing_odd(watched)


def test_run_pause_turn_resume_stop_and_save(in_lab, screenshots, workplace):
    watched = in_lab("steering.ipynb", [STUDIO.format(size=96, steps=3000), "print('free', 6 * 7)"])
    page = watched.page
    run_all(page)
    the(page, "Run").wait_for()
    close_news(page)
    page.screenshot(path=screenshots / "studio-ready.png")
    before = source(picture(page))
    the(page, "Run").click()
    page.wait_for_function("before => document.querySelector('.widget-image').src !== before", arg=before)
    expect(status(page)).to_contain_text(re.compile(r"Step \d\d"))
    page.screenshot(path=screenshots / "studio-running.png")

    second = page.locator(".jp-CodeCell").nth(1)
    second.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")  # another cell, while the run is going
    expect(second.locator(".jp-OutputArea-output")).to_have_text("free 42")
    expect(the(page, "Stop")).to_be_enabled()

    the(page, "Pause").click()
    expect(the(page, "Resume")).to_be_visible()
    expect(status(page)).to_contain_text("Paused.")
    paused, held = status(page).inner_text(), source(picture(page))
    page.wait_for_timeout(1000)
    assert (status(page).inner_text(), source(picture(page))) == (paused, held)
    expect(page.get_by_label("Content image", exact=True)).to_be_disabled()

    handle = page.get_by_role("slider").first  # α/β, with the keyboard
    handle.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".stylelib-code pre")).to_contain_text("change_alpha_beta")
    page.screenshot(path=screenshots / "studio-paused.png")

    the(page, "Resume").click()
    expect(status(page)).to_contain_text(re.compile(r"^Step"))
    the(page, "Stop").click()
    expect(status(page)).to_contain_text("stopped after step")
    page.screenshot(path=screenshots / "studio-stopped.png")

    page.get_by_label("Name to save as").fill("from_the_browser")
    for name, ending in (("Save picture", "png"), ("Save animation", "gif"), ("Save recipe", "json")):
        the(page, name).click()
        page.get_by_role("link", name=f"from_the_browser.{ending}").wait_for()
    with PIL.Image.open(workplace / "from_the_browser.png") as image:
        assert max(image.size) == 96
    assert json.loads((workplace / "from_the_browser.json").read_text())["changes"]
    nothing_odd(watched)


def test_the_kernels_interrupt_keeps_the_picture_of_a_run_that_a_cell_waits_for(in_lab):
    start = STUDIO.format(size=96, steps=3000).replace("studio.Studio(", "painting = studio.Studio(") + "painting"
    look = "number = painting.current.number\nprint('at', number, number == painting.current.number > 0)"
    watched = in_lab("waiting.ipynb", [start, "painting.run().wait()", look])
    page = watched.page
    run_all(page)
    expect(status(page)).to_contain_text(re.compile(r"Step \d\d"))
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.keyboard.press("i")  # JupyterLab's key for the kernel's interrupt
    expect(page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")).to_have_text(
        re.compile(r"at \d+ True")
    )
    expect(status(page)).to_contain_text("stopped after step")
    assert page.locator(ERRORS).count() == 0
    nothing_odd(watched)


def test_what_is_wrong_is_said_beside_the_control(in_lab, screenshots, tmp_path):
    broken = tmp_path / "holiday.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    own = tmp_path / "own.png"
    PIL.Image.new("RGB", (120, 90), "teal").save(own)
    watched = in_lab("mistakes.ipynb", [STUDIO.format(size=64, steps=5)])
    page = watched.page
    run_all(page)
    the(page, "Run").wait_for()
    alerts = page.locator(".jupyter-widgets [role=alert]")  # JupyterLab has alerts of its own
    upload(page, broken)
    expect(alerts.first).to_contain_text("holiday.jpg")
    page.get_by_label("Steps").fill("-1")
    page.get_by_label("Steps").press("Tab")
    the(page, "Run").click()
    expect(alerts.last).to_contain_text("whole number, 0 or more")
    page.screenshot(path=screenshots / "studio-refused.png")
    page.get_by_label("Steps").fill("4")
    upload(page, own)
    expect(page.get_by_label("Content image", exact=True)).to_have_value("my own picture")
    the(page, "Run").click()
    expect(status(page)).to_contain_text("all 4 steps are done")
    nothing_odd(watched)


def test_a_panel_is_scrubbed_at_once_and_run_for_real(in_lab, screenshots):
    watched = in_lab("panel.ipynb", ["from stylelib import studio\nstudio.panel('07_content_layer')"])
    page = watched.page
    run_all(page)
    expect(status(page)).to_have_text("Recorded step 100 of 100.")
    close_news(page)
    last = source(picture(page))
    page.screenshot(path=screenshots / "panel-recorded.png")
    sliders = page.get_by_role("slider")  # the content layer's, that of α/β, and the steps'
    sliders.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(status(page)).to_have_text("Recorded step 65 of 100.")
    assert source(picture(page)) != last
    sliders.first.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("Content layer")).to_have_value("conv3_2")
    expect(page.locator(".stylelib-code pre")).to_contain_text("conv3_2")
    page.get_by_label("α/β").select_option("0.8")
    expect(page.locator(".stylelib-code pre")).to_contain_text("alpha_beta=0.8")
    the(page, "Run").click()
    expect(status(page)).to_contain_text("steps are done")
    expect(page.get_by_text("Computed here")).to_be_visible()
    page.screenshot(path=screenshots / "panel-run.png")
    nothing_odd(watched)


def test_the_keyboard_alone_reaches_everything_and_everything_has_a_name(in_lab):
    watched = in_lab("keyboard.ipynb", [STUDIO.format(size=64, steps=3)])
    page = watched.page
    run_all(page)
    the(page, "Run").wait_for()
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    page.get_by_label("Content image", exact=True).focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
        if "Run" in reached:
            page.keyboard.press("Enter")
            break
    assert {"Style image", "Network", "Steps"} <= reached
    expect(status(page)).to_contain_text("all 3 steps are done")


FOCUSED = """() => { const e = document.activeElement;
  return (e.labels?.length ? e.labels[0].innerText : e.innerText || '').trim() }"""
# Names that a screen reader says: of a label, the text inside, aria-label, or the title. ipywidgets' sliders have none,
# but each stands below a menu or a number that has one and sets the same value.
NAMELESS = """() => ['select', 'input:not([type=file])', 'button']
  .flatMap(kind => [...document.querySelectorAll('.jupyter-widgets ' + kind)])
  .filter(e => e.offsetParent !== null)
  .filter(e => !((e.labels && e.labels.length && e.labels[0].innerText.trim()) || e.innerText.trim()
                 || e.ariaLabel || e.getAttribute('aria-labelledby') || e.title))
  .map(e => e.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("width", [520, 900])
def test_a_narrow_window_holds_the_studio(in_lab, screenshots, width):
    watched = in_lab("narrow.ipynb", [STUDIO.format(size=64, steps=3)])
    page = watched.page
    page.set_viewport_size({"width": width, "height": 1400})
    if width < 800:
        page.keyboard.press("Control+b")  # the list of files leaves no room beside it
    run_all(page)
    the(page, "Run").wait_for()
    the(page, "Run").click()
    expect(status(page)).to_contain_text("all 3 steps are done")
    output = page.locator(".jp-OutputArea-output").last
    assert output.evaluate("e => e.scrollWidth <= e.clientWidth + 2")
    page.screenshot(path=screenshots / f"studio-{width}.png")
