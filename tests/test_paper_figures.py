"""The paper's figures: their parameters, their pictures, their files."""

import hashlib
import pathlib

import nbformat
import PIL.Image
import pytest
import torch

import stylelib
from stylelib.paper import catalogue
from stylelib.paper import figures as paper_figures
from stylelib.paper.figures import FIGURES, STAND_INS, make, prepare, save, settings, sheet, table
from stylelib.support import gallery
from stylelib.support.errors import InputError

ROOT = pathlib.Path(stylelib.__file__).parents[1]
SMALL = {"size": 48, "steps": 1}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """An empty folder, whatever has been downloaded on this machine."""
    monkeypatch.setattr(catalogue, "paper_folder", lambda: tmp_path)
    return tmp_path


class Named:
    def __init__(self, name):
        self.name = name


def panels():
    return [(name, panel) for name, figure in FIGURES.items() for panel in figure.panels]


def test_every_figure_that_shows_pictures_is_there():
    assert {name.split(",")[0] for name in FIGURES} == {f"figure {number}" for number in (1, 3, 4, 5, 6, 7)}


def test_the_captions_numbers_are_the_papers():
    ratios = {name: [panel.ratio for panel in figure.panels] for name, figure in FIGURES.items()}
    assert ratios["figure 3"] == [1e-3, 8e-4, 5e-3, 5e-4, 5e-4]
    assert ratios["figure 4"] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert ratios["figure 5"] == [1e-3] * 2 and ratios["figure 6"] == [1e-3] * 6 and ratios["figure 7"] == [1e-2]
    content = [panel.content_layer for panel in FIGURES["figure 1, content"].panels]
    assert content == ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"]
    sets = [panel.style_layers for panel in FIGURES["figure 1, style"].panels]
    assert [len(layers) for layers in sets] == [1, 2, 3, 4, 5] and sets[-1] == stylelib.STYLE_LAYERS
    assert [panel.content_layer for panel in FIGURES["figure 5"].panels] == ["conv2_2", "conv4_2"]
    assert [panel.init for panel in FIGURES["figure 6"].panels] == ["content", "style"] + ["noise"] * 4
    assert len({panel.seed for panel in FIGURES["figure 6"].panels[2:]}) == 4


@pytest.mark.parametrize(("name", "panel"), panels())
def test_vgg_19_takes_the_captions_numbers_and_other_networks_relative_ones(name, panel):
    paper, other = settings(panel, Named("vgg19")), settings(panel, Named("vgg19-random"))
    assert (paper["convention"], other["convention"]) == ("mean", "relative")
    if "alpha_beta" in paper:
        assert paper["alpha_beta"] == panel.ratio
        wanted = {"figure 6": 0.8, "figure 7": 0.2}.get(name, 200 * panel.ratio)
        assert other["alpha_beta"] == pytest.approx(wanted)
        assert paper["init"] == panel.init
    if name == "figure 6":
        assert paper["init"] == other["init"]


def test_the_papers_pictures_are_taken_only_if_they_are_here_and_whole(folder, monkeypatch):
    assert paper_figures.source("tubingen") == "riverside"
    content = gallery.bundled_images()["valley"].read_bytes()
    (folder / "tubingen.jpg").write_bytes(content)
    assert paper_figures.source("tubingen") == "riverside", "not the paper's picture, byte for byte"
    sha256 = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(gallery.PAPER_IMAGES, "tubingen", ("https://nowhere", sha256, "Tübingen, by somebody"))
    assert paper_figures.source("tubingen") == folder / "tubingen.jpg"
    words = paper_figures.credit(FIGURES["figure 4"])
    assert "Tübingen, by somebody" in words and "Bundled pictures in place of the paper's: composition." in words


def test_the_folder_is_the_one_that_pictures_are_fetched_to(monkeypatch, tmp_path):
    import pooch

    monkeypatch.undo()
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.setattr(gallery, "fetch", lambda picture, path, *_: path.write_bytes(b"a picture"))
    assert gallery.fetch_paper_image("tubingen") == paper_figures.paper_folder() / "tubingen.jpg"


def test_everything_stands_in_by_a_bundled_picture():
    assert set(STAND_INS.values()) <= set(stylelib.bundled_images())
    assert set(gallery.PAPER_IMAGES) <= set(STAND_INS)


def test_a_figure_of_your_own_may_have_pictures_of_your_own(net, monkeypatch):
    panels = tuple(paper_figures.Panel("", "grace_hopper", style, 1e-3) for style in ("mosaic", "woodcut"))
    monkeypatch.setitem(FIGURES, "figure 8", paper_figures.PaperFigure("Mine", panels, ("grace_hopper",)))
    made = list(make("figure 8", net, **SMALL))
    captions = [axes.get_title() for axes in sheet("figure 8", made).axes]
    assert captions == ["grace_hopper", "mosaic", "woodcut"]
    assert "Bundled" not in paper_figures.describe("figure 8", made)
    with pytest.raises(InputError, match="Did you mean 'mosaic'"):
        prepare(paper_figures.Panel("", style="mosaik"), net, **SMALL)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_made_shown_and_saved(name, net, folder):
    seen = []
    made = list(make(name, net, **SMALL, progress=lambda panel, step: seen.append((panel, step.number))))
    assert [panel for panel, _ in made] == list(FIGURES[name].panels)
    assert seen == [(panel, 1) for panel in FIGURES[name].panels]
    assert all(run.number == 1 and max(run.image.shape[-2:]) == 48 for _, run in made)
    path = save(name, made, folder / "figures", dpi=50)
    assert path.parent == folder / "figures" and path.name.startswith("figure_") and " " not in path.name
    with PIL.Image.open(path) as image:
        assert image.info["dpi"] == pytest.approx((50, 50), abs=0.5)
        assert image.info["Title"] == FIGURES[name].title
        assert "compact" in image.info["Description"] and "Bundled pictures" in image.info["Description"]


def test_a_caption_says_what_sets_a_panel_apart_and_the_note_all_the_rest(net):
    made = list(make("figure 6", net, **SMALL))
    figure = sheet("figure 6", made)
    captions = [" ".join(axes.get_title().split()) for axes in figure.axes]
    assert captions[0] == "A, from content, seed 0" and captions[1] == "B, from style, seed 0"
    assert captions[5] == "C4, from noise, seed 3"
    note = " ".join(figure.texts[-1].get_text().split())
    assert note.startswith(net.describe()) and "α/β = 0.8 (relative)" in note
    assert "content conv4_2" in note and "content from" not in note, "said once"
    assert "1 steps of L-BFGS" in note and "48 × " in note and "seed" not in note
    assert "riverside, night_swirls" in note and "chosen here" in note


def test_what_differs_is_in_the_captions(net):
    words, shared = paper_figures.captions(FIGURES["figure 3"], net)
    assert words[1] == "C, night_swirls, α/β = 0.16 (relative)"
    assert shared == ["content from conv4_2", "from content", "seed 0"]
    words, shared = paper_figures.captions(FIGURES["figure 5"], net)
    assert words == ["content from conv2_2", "content from conv4_2"] and "α/β = 0.2 (relative)" in shared


def test_a_figure_is_the_experiment_with_the_tables_parameters(net):
    panel = FIGURES["figure 3"].panels[1]
    made = prepare(panel, net, **SMALL).finish()
    by_hand = stylelib.style_transfer(
        "riverside", "night_swirls", net, 48, steps=1, alpha_beta=0.16, first_size=96
    ).finish()
    assert torch.equal(made.image, by_hand.image)


def test_the_same_seed_makes_the_same_figure(net):
    first, second = ([run.image for _, run in make("figure 1, style", net, **SMALL)] for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_the_table_has_a_row_for_every_panel(net):
    found = table(net)
    assert len(found.rows) == len(panels()) == 28
    assert (
        "figure 4",
        "riverside + composition",
        "conv4_2 + 5 style layers",
        "0.1",
        "20",
        "content",
        "0",
    ) in found.rows
    assert "compact" in found.title


def test_unknown_figures_are_refused_before_anything_is_computed(net):
    with pytest.raises(InputError, match="There is no figure 'figure 2'"):
        next(make("figure 2", net))


def test_a_transfer_without_a_ratio_is_refused(net):
    with pytest.raises(InputError, match="must be a number, zero or more; got None"):
        prepare(paper_figures.Panel("", "riverside", "mosaic"), net, **SMALL)


def test_no_picture_made_of_the_papers_own_is_committed():
    """They are not ours to publish, so remove them before you refresh the notebook on a machine that has them."""
    path = ROOT / "notebooks" / "08_paper_figures.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            assert "The paper's pictures:" not in output.get("text", "")
