"""The command that compares one size with small to large: it goes on after an interruption, and counts what it says."""

import json

import pytest

from tools import schedule

ROWS = [
    {
        "content": "cat",
        "style": style,
        "mirrored": 0.2,
        "one size: patches": 0.4,
        "one size: colours": 0.1,
        "one size: edges": 0.6,
        "from 96 px: patches": patches,
        "from 96 px: colours": 0.05,
        "from 96 px: edges": edges,
    }
    for style, patches, edges in (("mosaic", 0.3, 0.5), ("facets", 0.2, 0.7), ("woodcut", 0.5, 0.22))
]


def test_medians_and_counts_are_of_all_pairs():
    patches, colours, edges, drowned = schedule.summary(ROWS)
    assert (patches["one size"], patches["from 96 px"]) == ("0.400", "0.300")
    assert patches["small to large is better in"] == "2 of 3", "a smaller distance is better"
    assert colours["small to large is better in"] == "3 of 3"
    assert edges["small to large is better in"] == "1 of 3", "more agreement is better"
    assert (drowned["one size"], drowned["from 96 px"]) == ("0 of 3", "1 of 3"), "0.22 is chance's 0.2"


def test_every_pair_is_compared_once_and_after_an_interruption_it_goes_on(tmp_path, monkeypatch):
    arguments = [str(tmp_path), "--size", "64"]
    monkeypatch.setattr(schedule, "STEPS", 2)
    monkeypatch.setattr(schedule, "pairs", lambda paper: [("cat", "mosaic")])
    schedule.main(arguments)
    first = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(schedule, "pairs", lambda paper: [("valley", "facets"), ("cat", "mosaic")])  # in any order
    schedule.main(arguments)
    numbers = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    (rows,) = numbers.values()
    assert rows[:1] == next(iter(first.values())), "what was computed is kept"
    assert [(row["content"], row["style"]) for row in rows] == [("cat", "mosaic"), ("valley", "facets")]
    assert (tmp_path / "valley-facets-compact.jpg").stat().st_size > 2_000
    page = tmp_path / "schedule.md"
    page.write_text("<!-- compact, 64 px: pairs -->\n<!-- end -->", encoding="utf-8")
    schedule.main([str(tmp_path), "--docs", str(tmp_path)])
    shown = page.read_text(encoding="utf-8")
    assert f"| valley, facets | {rows[1]['one size: patches']:.3f} → " in shown


@pytest.mark.parametrize("paper", [False, True])
def test_the_pairs_are_all_bundled_ones_or_figure_3s(paper):
    pairs = schedule.pairs(paper)
    assert len(set(pairs)) == len(pairs) and (len(pairs) == 5 if paper else len(pairs) >= 28)
    early, every = ({name for pair in some for name in pair} for some in (pairs[:15], pairs))
    assert early == every, "each picture comes early"
    assert not any(style == schedule.NOT_A_PAINTING for _, style in pairs)
