"""Make slides of each notebook: python tools/slides.py OUT. Open OUT/index.html in a browser; it works offline.

A deck has the notebook's figures, formulas, predictions, short code, key sentences and exercises as they are
committed; nothing is run. The speaker's view (key S) shows the text behind them, and the teacher's notes from
docs/teaching/notes. The build needs the extra `site` (python -m pip install -e ".[site]"), and npm, which fetches
reveal.js and MathJax once.
"""

import argparse
import base64
import dataclasses
import hashlib
import html
import io
import pathlib
import re
import shutil
import sys
from collections.abc import Collection

import PIL.Image
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import NotebookNode

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools import refresh  # noqa: E402
from tools.teaching import notes as teacher  # noqa: E402
from tools.web import vendor  # noqa: E402

FORM = ROOT / "site" / "slides"
WORDS, BESIDE = 40, 24  # at most, on a slide and beside a picture
LINES, WIDTH, PRINTED = 19, 88, 6  # of code that is shown: lines, characters in a line, lines that it prints
FEW = 8, 68  # of code that is shown larger
ROWS = 16  # of a table
UNSHOWN = {"navigation", "series-map", "setup", "install", "assertion"}  # tags of cells
BY_HAND = ("By hand", "The same with", "What the number means")  # sections whose code is shown
EXERCISES, RECALL, SUMMARY, SERIES = "Exercises", "Do you remember?", "What we saw", "The series"
FOLDED = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
EXERCISE = re.compile(r"^\*\*(\d+\. ★+[^*]*?)\.?\*\*\s*(.*)", re.DOTALL)
QUESTION = re.compile(r"^\*\*(?:Predict|Before you run it)[^*]*\*\*")
BOLD = re.compile(r"\*\*(.+?)\*\*")
FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
NO_SENTENCE = ("|", "- ", "<", "!", "#", "*1", "*2", "**References", "Solutions are", "[")
BETWEEN = re.compile(r"(?:(?<=[.!?])(?<!\*\d\.)|(?<=[.!?]\*\*)|(?<=[.!?]\))) +(?=[^a-z])")  # sentences
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\([^)]*\)")


@dataclasses.dataclass
class Slide:
    """A slide.

    Attributes
    ----------
    heading
        What stands at the top.
    body
        Its HTML.
    kind
        Its class in deck.css.
    notes
        What the speaker sees, as Markdown texts.
    """

    heading: str
    body: str
    kind: str
    notes: list[str]


class Deck:
    """The slides of a notebook.

    Parameters
    ----------
    path
        The notebook.
    out
        The folder of the decks; the pictures are written into a folder in it.
    """

    def __init__(self, path: pathlib.Path, out: pathlib.Path):
        self.stem, self.out = path.stem, out
        notebook = refresh.read(path)
        self.title, self.promise = refresh.title_and_promise(notebook)
        self.to_say = teachers_notes(path.stem)  # what is left of it
        self.answers: dict[str, list[str]] = {}  # to the questions of a section
        self.slides: list[Slide] = []
        self.chapter, self.heading = "", self.title.split(":")[0]
        self.texts: list[str] = []  # paragraphs since the last slide
        self.line = ""  # what stands above the next picture
        for cell in notebook.cells:
            if not UNSHOWN & set(refresh.tags(cell)) and self.chapter != SERIES:
                if cell.cell_type == "markdown":
                    self._text(cell.source)
                else:
                    self._code(cell)

    def page(self) -> str:
        """Return the deck's page."""
        slides = "\n".join(as_section(slide) for slide in self.slides)
        form = (FORM / "deck.html").read_text(encoding="utf-8")
        return form.replace("<!-- title -->", html.escape(self.title)).replace("<!-- slides -->", slides)

    def _add(self, body: str, kind: str, heading: str | None = None) -> None:
        """Add a slide. Its notes are the text since the last slide.

        A section's first slide has the teacher's notes as well; a question that comes later has its answer again.
        """
        section = self.heading if self.chapter else "Opening"
        said = self.to_say.pop(section, "")
        if said:
            self.answers[section] = [one for one in said.split("\n\n") if one.startswith("**Prediction.**")]
        elif kind == "question" and self.answers.get(section):
            said = self.answers[section].pop(0)
        self.slides.append(Slide(self.heading if heading is None else heading, body, kind, [said, *self.texts]))
        self.texts = []

    def _text(self, source: str) -> None:
        for part in re.split(r"^(?=#+ )", source, flags=re.MULTILINE):
            if heading := re.match(r"(#+) (.+)\n*", part):
                self._begin(len(heading[1]), heading[2])
                part = part[heading.end() :]
            if self.chapter == RECALL:
                self._recall(FOLDED.findall(part))
            elif self.chapter == SUMMARY:
                self._summary(part)
            else:
                for paragraph in filter(None, re.split(r"\n{2,}", FOLDED.sub("", part).strip())):
                    self._paragraph(paragraph)

    def _begin(self, depth: int, heading: str) -> None:
        self.line, self.heading = "", heading
        if depth == 1:
            self.heading, _, subtitle = heading.partition(": ")
            self._add(f"<p>{shown(subtitle)}</p>", "title")
            promise = f"{self.promise[0].upper()}{self.promise[1:]}."
            self._add(f"<p>{shown(short(promise))}</p>", "key", "After this notebook")
        elif depth == 2:
            self.chapter = heading

    def _paragraph(self, text: str) -> None:
        exercise, key = EXERCISE.match(text), [one for one in sentences(text) if is_key(one)]
        (self.texts if self.chapter else self.slides[-1].notes).append(text)
        if exercise:
            self._add(f"<p>{shown(short(exercise[2], WORDS - 6))}</p>", "exercise", exercise[1])
        elif QUESTION.match(text):
            self._add(f"<p>{shown(short(text))}</p>", "question")
        elif formulas := FORMULA.findall(text):
            before = sentences("\n\n".join(self.texts).split("$$")[0])[-1:]
            line = f"<p>{shown(short(before[0], BESIDE))}</p>" if before and before[0] else ""
            self._add(line + "".join(f"<div>$${html.escape(one)}$$</div>" for one in formulas), "formula")
        elif self.chapter and text and not text.startswith(NO_SENTENCE):
            if key and key[0] != sentences(text)[0]:
                self._add(f"<p>{shown(short(key[0]))}</p>", "key")
            lines = [one for one in sentences(text) if words(one) > 2 and not one.endswith(":")]
            self.line = self.line or "".join(lines[:1])

    def _recall(self, folded: list[tuple[str, str]]) -> None:
        for some in together([question for question, _ in folded]):
            self.texts += [f"**{question}** {answer.strip()}" for question, answer in folded if question in some]
            self._add("".join(f"<p>{shown(as_text(question))}</p>" for question in some), "list")

    def _summary(self, text: str) -> None:
        for some in together([short(point) for point in re.findall(r"^- (.+)$", text, re.MULTILINE)]):
            self._add("<ul>" + "".join(f"<li>{shown(point)}</li>" for point in some) + "</ul>", "list")

    def _code(self, cell: NotebookNode) -> None:
        pictures = [one for one in cell.outputs if one.output_type in ("display_data", "execute_result")]
        lines = cell.source.splitlines()
        small = 1 < len(lines) <= LINES and max(map(len, lines)) <= WIDTH
        if self.chapter.startswith(BY_HAND) and small and not any("image/jpeg" in one.data for one in pictures):
            printed = "".join(one.text for one in cell.outputs if one.output_type == "stream").rstrip()
            output = f"<pre class='printed'>{html.escape(printed)}</pre>"
            code = Highlight2HTML()(cell.source, language="ipython3")
            few = len(lines) <= FEW[0] and max(map(len, lines)) <= FEW[1]
            code += output if 0 < len(printed.splitlines()) <= PRINTED else ""
            self._add(code, "code few" if few else "code")
        caption = "".join(one.data["text/markdown"] for one in pictures if "text/markdown" in one.data)
        for output in pictures:
            self._output(output, caption)

    def _output(self, output: NotebookNode, caption: str) -> None:
        text = output.data.get("text/html", "")
        if "image/jpeg" in output.data:
            alt = output.metadata.get("image/jpeg", {}).get("alt", f"Figure of the section “{self.heading}”")
            self._picture(base64.b64decode(output.data["image/jpeg"]), "jpg", alt, caption)
        elif found := re.search(r'src="data:image/(\w+);base64,([^"]+)" alt="([^"]*)"', text):
            caption = re.sub(r"<[^>]+>", "", (re.findall(r"<figcaption>(.*?)</figcaption>", text) or [""])[0])
            self._picture(base64.b64decode(found[2]), found[1], html.unescape(found[3]), html.unescape(caption))
        elif "<table" in text:
            rows = re.findall(r"<tr>.*?</tr>", text, re.DOTALL)
            for row in rows[ROWS:]:
                text = text.replace(row, "", 1)
            more = f"<p>… and {len(rows) - ROWS} more rows in the notebook</p>" if len(rows) > ROWS else ""
            self._add(f'<div class="table">{text}{more}</div>', "table")

    def _picture(self, data: bytes, kind: str, alt: str, caption: str) -> None:
        name = f"pictures/{hashlib.sha256(data).hexdigest()[:16]}.{kind}"
        (self.out / "pictures").mkdir(exist_ok=True)
        (self.out / name).write_bytes(data)
        with PIL.Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
        line = f"<p>{shown(short(self.line, BESIDE))}</p>" if self.line else ""
        small = f"<small>{shown(caption)}</small>" if caption else ""
        img = f'<img src="{name}" alt="{html.escape(alt)}" width="{width}" height="{height}">'
        self._add(f"{line}<figure>{img}</figure>{small}", "picture tall" if height > 0.85 * width else "picture")
        self.line = ""


def teachers_notes(stem: str) -> dict[str, str]:
    """Return what a teacher may say at each section of a notebook, {heading: text}; nothing if that is not written."""
    try:
        return dict(teacher.sections(stem))
    except FileNotFoundError:
        return {}


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph."""
    return [one.strip() for one in BETWEEN.split(" ".join(text.split()))]


def is_key(sentence: str) -> bool:
    """Return whether a sentence has three words or more in bold."""
    return any(len(bold.split()) >= 3 for bold in BOLD.findall(sentence))


def short(text: str, most: int = WORDS) -> str:
    """Return as many sentences of a text, from its beginning, as have at most so many words; or a part of the first."""
    chosen: list[str] = []
    for sentence in sentences(text):
        if words(" ".join([*chosen, sentence])) > most:
            break
        chosen.append(sentence)
    if chosen:
        return " ".join(chosen)
    parts = re.split(r"(?<=[,;:]) ", sentences(text)[0])
    while len(parts) > 1 and words(" ".join(parts)) > most:
        parts.pop()
    return " ".join(parts).rstrip(",;:") + " …"


def together(texts: list[str]) -> list[list[str]]:
    """Return texts in groups, each with few enough words for a slide."""
    groups: list[list[str]] = []
    for text in texts:
        if groups and words(" ".join([*groups[-1], text])) <= WORDS:
            groups[-1].append(text)
        else:
            groups.append([text])
    return groups


def words(text: str) -> int:
    """Return how many words a text has; a formula or a piece of code is one."""
    return len(re.sub(r"\$[^$]+\$|`[^`]+`", "x", text).split())


def shown(text: str) -> str:
    """Return Markdown as HTML, without a paragraph around it, and with the words of a link alone."""
    made = markdown2html_mistune(LINK.sub(r"\1", text)).strip()
    return re.sub(r"^<p>(.*)</p>$", r"\1", made, flags=re.DOTALL)


def as_text(text: str) -> str:
    """Return a text that begins with a number as Markdown that is no list."""
    return re.sub(r"^(\d+)\. ", r"\1\\. ", text)


def as_section(slide: Slide) -> str:
    """Return a slide as reveal.js wants it."""
    heading = f"<h2>{shown(as_text(slide.heading))}</h2>" if slide.heading else ""
    said = "\n\n".join(part for part in slide.notes if part)
    aside = f'<aside class="notes">{shown(said)}</aside>' if said else ""
    return f'<section class="{slide.kind}">\n{heading}\n{slide.body}\n{aside}\n</section>'


def build(out: pathlib.Path, stems: Collection[str] = ()) -> list[Deck]:
    """Write the decks of some notebooks, by default of all, and a page that lists them, into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    decks = [Deck(path, out) for path in refresh.series() if not stems or path.stem in stems]
    for deck in decks:
        (out / f"{deck.stem}.html").write_text(deck.page(), encoding="utf-8")
    rows = [
        f'<li><a href="{deck.stem}.html"><b>{deck.stem[:2]}</b> {html.escape(deck.title)}</a> '
        f"<span>{len(deck.slides)} slides</span></li>"
        for deck in decks
    ]
    form = (FORM / "index.html").read_text(encoding="utf-8")
    (out / "index.html").write_text(form.replace("<!-- decks -->", "\n".join(rows)), encoding="utf-8")
    shutil.copyfile(FORM / "deck.css", out / "deck.css")
    vendor.vendor_reveal(out / "reveal")
    vendor.vendor_mathjax(out / "mathjax")
    return decks


def main() -> None:
    """Read the command line and write the decks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="the folder to write; files in it are replaced")
    out = parser.parse_args().out
    count = sum(len(deck.slides) for deck in build(out))
    print(f"{count} slides. Open {out / 'index.html'}; in a deck, S opens the speaker's view, F fills the screen.")


if __name__ == "__main__":
    main()
