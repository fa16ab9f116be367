"""The site's parts: notebooks made into pages, links, recordings as scrubbers. tests/browser has the pages."""

import base64
import io
import json
import pathlib
import re
from pathlib import PurePosixPath

import nbformat
import PIL.Image
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from stylelib.paper import recordings
from stylelib.studio.panels import PANELS
from tools import refresh
from tools.web import book, links, pages, scrub

ROOT = pathlib.Path(__file__).parents[1]
PAGE = PurePosixPath("notebooks/02_content_reconstruction.ipynb")
ADDRESS = "https://github.com/someone/painting"


def jpeg(colour="red", size=(6, 4)):
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def encoded(data):
    return base64.b64encode(data).decode()


@pytest.fixture
def site(tmp_path):
    names = {PAGE.as_posix(), "notebooks/00_start_here.ipynb", "docs/symbols.md", "CONTRIBUTING.md"}
    return pages.Site(ROOT, tmp_path, names, "")


def prepared(site, *cells, page=PAGE):
    return pages.prepare(new_notebook(cells=[new_markdown_cell("# A title: more\n\nText."), *cells]), page, site).cells


def shown(output):
    """The attributes of the picture in an output's HTML."""
    return dict(re.findall(r'(\w+)="([^"]*)"', output.data["text/html"]))


def test_an_attachment_becomes_a_file(site):
    cell = new_markdown_cell("| [![the *card*](attachment:card.jpg)](00_start_here.ipynb) |")
    cell.attachments = {"card.jpg": {"image/jpeg": encoded(jpeg())}}
    cell = prepared(site, cell)[1]
    source = re.fullmatch(r'\| \[<img src="(\S+)" alt="the \*card\*" .*>\]\(00_start_here\.ipynb\) \|', cell.source)[1]
    assert (site.out / "notebooks" / source).read_bytes() == jpeg()
    assert "attachments" not in cell


def test_a_picture_has_the_text_of_its_metadata_or_its_section(site):
    def picture(metadata):
        return new_output("display_data", {"image/jpeg": encoded(jpeg()), "text/plain": "<Image>"}, metadata=metadata)

    code = new_code_cell("show()", outputs=[picture({"image/jpeg": {"alt": 'a "red" <field>'}}), picture({})])
    outputs = prepared(site, new_markdown_cell("## The *idea*, with `conv4_2`"), code)[2].outputs
    assert shown(outputs[0])["alt"] == "a &quot;red&quot; &lt;field&gt;"
    assert shown(outputs[1])["alt"] == "Figure of the section “The idea, with conv4_2”"
    assert (shown(outputs[0])["width"], shown(outputs[0])["height"]) == ("6", "4")
    assert list(outputs[0].data) == ["text/html"]


def test_solutions_find_the_pictures_one_folder_above(site):
    page = PurePosixPath("notebooks/solutions/02_content_reconstruction.ipynb")
    code = new_code_cell("show()", outputs=[new_output("display_data", {"image/jpeg": encoded(jpeg())})])
    source = shown(prepared(site, code, page=page)[1].outputs[0])["src"]
    assert (site.out / page.parent / source).resolve().read_bytes() == jpeg()


def test_pictures_inside_html_become_files_and_keep_their_text(site):
    text = f'<figure><img src="data:image/jpeg;base64,{encoded(jpeg())}" alt="it &amp; that" style="x"></figure>'
    (output,) = prepared(site, new_code_cell("play()", outputs=[new_output("display_data", {"text/html": text})]))[
        1
    ].outputs
    assert shown(output)["alt"] == "it &amp; that" and "base64" not in output.data["text/html"]
    assert (site.out / "notebooks" / shown(output)["src"]).read_bytes() == jpeg()


def test_navigation_is_left_out_assertions_are_folded_and_widgets_are_not_shown(site):
    widget = new_output("display_data", {pages.WIDGET: {"model_id": "0"}, "text/plain": "VBox(children=…"})
    cells = prepared(
        site,
        new_markdown_cell("← [back](00_start_here.ipynb)", metadata={"tags": ["navigation"]}),
        new_code_cell("assert True", metadata={"tags": ["assertion"]}),
        new_code_cell("install()", metadata={"jupyter": {"source_hidden": True}}),
        new_code_cell("controls", outputs=[widget, new_output("stream", text="done")]),
    )
    assert [cell.source for cell in cells[1:]] == ["assert True", "install()", "controls"]
    assert all("hide-input" in cell.metadata["tags"] for cell in cells[1:3])
    assert [output.output_type for output in cells[3].outputs] == ["stream"]


def test_links_lead_to_pages_to_the_reference_and_without_an_address_nowhere_else(site):
    text = (
        "[a](00_start_here.ipynb#The-series) [b](../docs/symbols.md) [`c`](../stylelib/vgg.py) [d](../tools/training) "
        "[e](https://example.org/x.md) [f](#here) `[g](../nowhere)` ![h](../images/teaser.jpg)\n\n"
        "```\n[i](../nowhere)\n```"
    )
    assert site.linked(text, PAGE) == text.replace("#The-series", "#the-series").replace(
        "[`c`](../stylelib/vgg.py)", '<a href="../api/stylelib/vgg.html">`c`</a>'
    ).replace("[d](../tools/training)", "d")
    site.address = ADDRESS
    assert site.linked("[d](../tools/training) [r](../LICENSE)", PAGE) == (
        f"[d]({ADDRESS}/tree/main/tools/training) [r]({ADDRESS}/blob/main/LICENSE)"
    )
    with pytest.raises(
        SystemExit, match=r"02_content_reconstruction\.ipynb links to \.\./nowhere\.md, which is not there"
    ):
        site.linked("[x](../nowhere.md)", PAGE)


def test_a_link_to_a_section_has_its_name_on_the_site(site):
    text = "[a](00_start_here.ipynb#Which-comes-first,-the-strokes-or-the-colours?) [b](#What-is-the-paper's,-α/β)"
    assert site.linked(text, PAGE) == (
        "[a](00_start_here.ipynb#which-comes-first-the-strokes-or-the-colours) [b](#what-is-the-papers-αβ)"
    )


def test_the_teachers_page_leads_to_what_the_site_has_and_to_every_text_for_teachers():
    page = book.teachers_page("# Teaching\n\nText.\n\n## Five minutes\n\nMore.\n\n## Thirty")
    head, rest = page.split("\n## On this site\n")
    assert head == "# Teaching\n\nText.\n" and rest.index("## Five minutes") < rest.index("## Thirty")
    for place in ("slides", "live", "explore"):
        assert f'href="../../{place}/index.html"' in rest
    for path in (ROOT / "docs" / "teaching").rglob("*.md"):
        name = path.relative_to(ROOT / "docs" / "teaching").with_suffix("").as_posix()
        assert name == "README" or f" <{name}>\n" in rest, name
    assert book.contents().count("docs/teaching") == 1, "one entry in the side bar"


def links_of(text):
    return re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', text)


def test_a_notebook_can_be_opened_elsewhere_once_there_is_an_address(site):
    assert links_of(prepared(site)[0].source) == [(PAGE.name, "Download")]
    site.address = ADDRESS
    first = prepared(site)[0].source
    assert first.startswith("# A title: more\n\n<p") and first.endswith("\nText.")
    assert links_of(first) == [
        (f"https://colab.research.google.com/github/someone/painting/blob/main/{PAGE}", "Open in Colab"),
        ("https://mybinder.org/v2/gh/someone/painting/main?labpath=notebooks%2F02_content_reconstruction.ipynb",
         "Open in Binder"),
        (PAGE.name, "Download"),
    ]  # fmt: skip
    assert [text for _, text in links_of(pages.launch(PAGE, "https://git.school.example/art"))] == [
        "Open in Binder", "Download"
    ], "Colab opens GitHub's notebooks only"  # fmt: skip


def test_the_footer_says_what_to_do_while_there_is_no_address():
    assert "pyproject.toml" in book.footer("")
    assert book.footer(ADDRESS) == f'<p>Source: <a href="{ADDRESS}">{ADDRESS}</a></p>'


def test_nothing_is_executed_and_the_notebook_itself_stays_as_it_is(site):
    path = ROOT / PAGE
    notebook = refresh.read(path)
    before = nbformat.writes(notebook)
    pages.prepare(notebook, PAGE, site)
    assert nbformat.writes(notebook) == before


@pytest.mark.parametrize("name", PANELS)
def test_a_recordings_scrubber_has_every_picture_loss_and_caption(tmp_path, name):
    recording = recordings.load(ROOT / "notebooks" / "recordings" / f"{name}.zip")
    data = scrub.about(recording, tmp_path)
    choices = [list(values.values()) for values in recording.knobs.values()]
    assert [len(knob["choices"]) for knob in data["knobs"]] == [len(values) for values in choices]
    for values, run in recording.runs.items():
        chosen = [kinds.index(value) for kinds, value in zip(choices, values, strict=True)]
        told = data["runs"][data["grid"][scrub.position(data["knobs"], chosen)]]
        assert told["made"] == run.made and told["steps"] == list(run.frames)
        assert [(tmp_path / file).read_bytes() for file in told["files"]] == list(run.frames.values())
        for at, step in enumerate(told["steps"]):
            assert {loss: losses[at] for loss, losses in told["losses"].items()} == run.losses[step]
    frames = {frame for run in recording.runs.values() for frame in run.frames.values()}
    assert len(list(tmp_path.iterdir())) == len(frames), "equal pictures are one file"


def test_a_panel_becomes_a_scrubber_that_begins_with_the_notebooks_own_values(site):
    still = new_output("execute_result", {"image/jpeg": encoded(jpeg()), "text/plain": "Studio(children=…"})
    code = new_code_cell('panel = studio.panel("07_content_layer", net.name)\npanel', outputs=[still])
    (output,) = prepared(site, code)[1].outputs
    text = output.data["text/html"]
    data = json.loads(re.search(r'<script type="application/json">(.*)</script>', text)[1])
    assert [knob["label"] for knob in data["knobs"]] == ["Content layer", "α/β"]
    assert shown(output)["alt"] == "The picture after step 100: Content layer conv4_2, α/β 0.2"
    assert (site.out / "notebooks" / shown(output)["src"]).exists()
    assert PANELS["07_content_layer"].title in text and "Studio(" not in text


def site_of(folder, **files):
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + (".css" if text.startswith("body") else ".html"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return links.broken(folder)


def test_the_check_of_links_finds_what_is_missing(tmp_path):
    (tmp_path / "a b.jpg").write_bytes(jpeg())
    wrong = site_of(
        tmp_path,
        index='<a href="sub/page.html#there"></a><a href="sub/page.html#gone"></a><a href="sub/"></a>'
        '<a href="mailto:x"></a><a href="https://example.org"></a><img src="a%20b.jpg?v=2">'
        '<img src="lost.jpg"><a href="#top"></a>',
        sub__index='<h1 id="x"></h1><a href="#x"></a><a href="../index.html"></a><a href="../"></a>',
        sub__page='<p id="there"></p><script src="//cdn.example.org/x.js"></script>'
        '<link rel="stylesheet" href="https://fonts.example.org/f.css"><img src="data:image/png;base64,xx">',
        style="body { background: url('lost.png') } p { background: url(a%20b.jpg) } "
        "q { src: url(http://x.org/f.woff) }",
    )
    assert wrong == [
        "index.html leads to lost.jpg, but there is no such file",
        "index.html leads to sub/page.html#gone, but there is no place gone in it",
        "sub/page.html loads //cdn.example.org/x.js from outside",
        "sub/page.html loads https://fonts.example.org/f.css from outside",
        "style.css loads http://x.org/f.woff from outside",
        "style.css loads lost.png, but there is no such file",
    ]


def test_the_series_is_in_order_in_the_side_bar_and_solutions_are_on_a_page_of_their_own():
    series = re.search(r":caption: The series\n\n(.*?)\n```", book.contents(), re.DOTALL)[1].splitlines()
    assert [line[:2] for line in series[:9]] == [f"{number:02}" for number in range(9)]
    assert series[0] == "00 · Start here <notebooks/00_start_here>"
    assert "solutions/" not in book.contents()
    assert book.solutions().count("<notebooks/solutions/") == 9
