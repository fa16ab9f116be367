"""The studio as a web page."""

import pathlib
import re
import sys

import pytest

from conftest import free_port, playwright, serving

expect = playwright.expect
# Voilà asks a CDN for the font of its icons, and tries JupyterLab extensions that are not made for it.
HARMLESS = re.compile("Failed to load resource|shared module is not a function")


@pytest.fixture(scope="module")
def address(workplace, tmp_path_factory):
    port, home = free_port(), tmp_path_factory.mktemp("voila")
    command = [sys.executable, "-m", "voila", str(workplace / "studio.ipynb"), "--no-browser", f"--port={port}",
               "--Voila.ip=127.0.0.1"]  # fmt: skip
    with serving(command, f"http://127.0.0.1:{port}/static/", workplace, home):
        yield f"http://127.0.0.1:{port}/"


def test_the_studio_paints_on_a_page_of_its_own(address, watched, screenshots):
    page = watched.page
    page.goto(address)
    run = page.get_by_role("button", name=re.compile(r"\WRun$"))
    run.wait_for()
    page.screenshot(path=screenshots / "voila-ready.png")
    assert page.get_by_text("from stylelib").count() == 0, "no code is shown"
    share = page.get_by_label("Second style's share")
    expect(share).to_be_hidden()
    page.get_by_label("Second style image", exact=True).select_option("mosaic")
    expect(share).to_be_visible()
    share.fill("0.3")
    share.press("Tab")
    expect(page.locator(".stylelib-code pre")).to_contain_text("style_weights=(0.7, 0.3)")
    page.screenshot(path=screenshots / "voila-two-styles.png")
    page.get_by_label("Steps").fill("6")
    page.get_by_label("Steps").press("Tab")
    run.click()
    expect(page.locator("[role=status]").first).to_contain_text("all 6 steps are done")
    page.get_by_role("button", name="Save picture").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("my_picture.png")).click()
    assert pathlib.Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    expect(page.get_by_text("Computed here")).to_contain_text("style 2")
    page.screenshot(path=screenshots / "voila-done.png")
    assert [one for one in watched.complaints if not HARMLESS.search(one)] == []
