"""The handout as it comes out of a printer."""

import re

from tools.teaching import handout


def test_the_handout_prints_on_two_sides(browser, tmp_path, screenshots):
    path = tmp_path / "handout.html"
    path.write_text(handout.page(), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    printed = page.pdf(prefer_css_page_size=True)
    (screenshots / "handout.pdf").write_bytes(printed)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
    page.close()
