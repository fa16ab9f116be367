"""The slides: what a deck takes from its notebook. tests/browser walks through one."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import refresh, slides

WHOLE = (
    "# A title: more\n\nThe first sentence. The second one.\n\n**After this notebook you will be able to** see.",
    "## The idea\n\nOne sentence. **Three words bold** make this a key.\n\n**Predict:** what comes?",
    "## By hand\n\nSo it says\n\n$$a < b$$\n\nand nothing else.",
)


@pytest.fixture
def deck(tmp_path):
    """Make a deck of the cells of a notebook."""

    def make(*cells):
        path = tmp_path / "09_made.ipynb"
        texts = [new_markdown_cell(one) if isinstance(one, str) else one for one in cells]
        nbformat.write(new_notebook(cells=texts), path)
        return slides.Deck(path, tmp_path)

    return make


@pytest.fixture(scope="module", params=["01_vgg_architecture", "06_content_and_style_weights"])
def real(request, tmp_path_factory):
    """A deck of the series, and its folder."""
    out = tmp_path_factory.mktemp("decks")
    return slides.Deck(refresh.FOLDER / f"{request.param}.ipynb", out), out


def test_a_deck_has_a_title_a_promise_key_sentences_questions_and_formulas(deck):
    made = deck(*WHOLE)
    assert [(one.kind, one.heading) for one in made.slides] == [
        ("title", "A title"),
        ("key", "After this notebook"),
        ("key", "The idea"),
        ("question", "The idea"),
        ("formula", "By hand"),
    ]
    assert made.slides[2].body == "<p><strong>Three words bold</strong> make this a key.</p>"
    assert made.slides[4].body == "<p>So it says</p><div>$$a &lt; b$$</div>"
    assert made.slides[3].notes[1:] == ["**Predict:** what comes?"]


def test_pictures_tables_and_code_are_shown_and_checks_and_long_code_are_not(deck, tmp_path):
    from test_site import encoded, jpeg

    picture = new_output("display_data", {"image/jpeg": encoded(jpeg()), "text/plain": "<Image>"},
                         metadata={"image/jpeg": {"alt": "a <red> field"}})  # fmt: skip
    made = new_output("display_data", {"text/markdown": "what *made* it"})
    table = new_output("execute_result", {"text/html": "<table><tr><td>1</td></tr></table>"})
    printed = new_output("stream", text="5 < 6\n")
    built = deck(
        *WHOLE,
        new_code_cell("x = 1\nshow(x)", outputs=[picture, made]),
        new_code_cell("x = 2\nprint(x)", outputs=[printed]),
        new_code_cell("\n".join(["y = 1"] * 30)),
        new_code_cell("assert x", metadata={"tags": ["assertion"]}),
        new_code_cell("table", outputs=[table]),
    )
    shown = built.slides[5:]
    assert [one.kind for one in shown] == ["picture", "code few", "table"]
    assert 'alt="a &lt;red&gt; field" width="6" height="4"' in shown[0].body
    assert "<small>what <em>made</em> it</small>" in shown[0].body
    (file,) = (tmp_path / "pictures").iterdir()
    assert file.read_bytes() == jpeg() and f"pictures/{file.name}" in shown[0].body
    assert "<pre class='printed'>5 &lt; 6</pre>" in shown[1].body


def test_a_long_table_is_cut_and_says_so(deck):
    rows = "".join(f"<tr><td>row {number}.</td></tr>" for number in range(20))
    table = new_output("execute_result", {"text/html": f"<table>{rows}</table>"})
    body = deck(*WHOLE, new_code_cell("table", outputs=[table])).slides[-1].body
    assert "row 15." in body and "row 16." not in body and "… and 4 more rows in the notebook" in body


def test_exercises_and_questions_have_their_answers_in_the_notes_only(deck):
    made = deck(
        *WHOLE,
        "## Exercises\n\n**1. ★ One line.** Write it.\n\n<details><summary>Hint</summary>\n\nThink.\n</details>",
        "## Do you remember?\n\n<details><summary>1. What is it?</summary>\nThe answer.\n</details>",
    )
    exercise, recall = made.slides[5:]
    assert (exercise.heading, exercise.body) == ("1. ★ One line", "<p>Write it.</p>")
    assert "Hint" not in made.page() and "<h2>1. ★ One line</h2>" in made.page()
    assert recall.body == "<p>1. What is it?</p>"
    assert recall.notes[-1] == "**1. What is it?** The answer."


def test_the_teachers_notes_are_on_the_first_slide_of_their_section(deck, monkeypatch):
    class Teacher:
        @staticmethod
        def sections(stem):
            idea = f"**Say.** {stem}\n\n**Prediction.** What? → This."
            return {"Opening": "**Say.** Welcome.", "The idea": idea, "Elsewhere": "never"}

    monkeypatch.setattr(slides, "teacher", Teacher)
    first, _, idea, question, _ = deck(*WHOLE).slides
    assert first.notes[0] == "**Say.** Welcome."
    assert idea.notes[0].startswith("**Say.** 09_made") and question.notes[0] == "**Prediction.** What? → This."


@pytest.mark.parametrize(
    "text, most, found",
    [
        ("One two. Three four. Five.", 4, "One two. Three four."),
        ("One, two three, four five six.", 3, "One, two three …"),
        ("**1. A network looks.** A *filter* answers.", 5, "**1. A network looks.**"),
        ("So $a + b + c + d$ is `one two three`. Next.", 4, "So $a + b + c + d$ is `one two three`."),
    ],
)
def test_a_text_is_shortened_to_whole_sentences(text, most, found):
    assert slides.short(text, most) == found


def test_no_slide_of_the_series_has_too_many_words_and_nothing_comes_from_another_server(real):
    made, out = real
    assert 15 < len(made.slides) < 60
    page = made.page()
    for slide in made.slides:
        body = re.sub(r"<(pre|small|table)\b.*?</\1>|\$\$.+?\$\$", "", slide.body, flags=re.DOTALL)
        count = slides.words(re.sub(r"<[^>]+>", " ", body))
        assert count <= slides.WORDS + 4, (slide.heading, count)  # code and formulas that are one word each
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    for name in re.findall(r'<img src="([^"]+)"', page):
        assert (out / name).is_file()
    assert page.count("<section") == page.count("</section>") == len(made.slides)
