"""stylelib extended from outside: the code of CONTRIBUTING.md as it stands, and what it promises."""

import dataclasses
import importlib
import pathlib
import re

import pytest
import torch

import stylelib
from stylelib.sweeps import grid, sweep

ROOT = pathlib.Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = {
    title: code
    for title, section in re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", CONTRIBUTING, re.MULTILINE | re.DOTALL)
    for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL)
}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The code under a heading, imported as a module of a user's own."""
    folder, modules = tmp_path_factory.mktemp("user"), {}

    def load(title):
        if title not in modules:
            name = f"users_module_{len(modules)}"
            (folder / f"{name}.py").write_text(BLOCKS[title], encoding="utf-8")
            modules[title] = importlib.import_module(name)
        return modules[title]

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield load


def fell(run, to=0.9):
    return run.history[-1].loss < to * run.history[0].loss


def continues(run, path):
    """A saved and loaded run continues like the run itself."""
    loaded = stylelib.Synthesis.load(run.save(path))
    run.steps = loaded.steps = run.number + 2
    assert torch.equal(loaded.finish().image, run.finish().image)
    captions = [re.sub(r"\d+ s on", "some time on", one.describe()) for one in (loaded, run)]
    assert captions[0] == captions[1]
    return True


def test_each_block_of_code_has_a_test():
    source = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert len(BLOCKS) >= 8 and all(f'example("{title}")' in source for title in BLOCKS)


def test_two_regions_get_a_style_each(example, tmp_path):
    run = example("A mask, or two styles").run
    assert fell(run)
    assert {"sky conv1_1", "ground conv1_1"} <= set(run.losses)
    assert "sky" in run.describe() and "ground" in run.describe()
    assert continues(run, tmp_path / "run.pt")


def test_a_term_of_your_own_is_optimised_saved_and_captioned(example, tmp_path):
    module = example("A term")
    run, half = module.run, module.photo.shape[-1] // 2
    change = (run.image.cpu() - module.photo).abs()
    assert change[..., :half].mean() < 0.3 * change[..., half:].mean(), "the masked half stays"
    assert "keep × 1000" in run.describe()
    assert continues(run, tmp_path / "run.pt")
    lighter = [term.with_weight(1) if isinstance(term, module.Keep) else term for term in run.terms]
    run.change_terms(lighter)
    assert type(run.terms[0]) is module.Keep and run.terms[0].weight == 1


def test_a_statistic_of_your_own_takes_the_place_of_the_gram_matrix(example, tmp_path):
    module = example("A statistic")
    assert fell(module.run) and "Covariance" in module.run.describe()
    assert continues(module.run, tmp_path / "run.pt")
    activations = torch.rand(1, 4, 6, 5)
    statistic = module.Covariance()(activations)
    assert torch.allclose(statistic[0], torch.cov(activations[0].flatten(1), correction=0), atol=1e-6)
    half = torch.zeros(1, 1, 6, 5)
    half[..., :3, :] = 1
    assert torch.allclose(
        module.Covariance()(activations, half), module.Covariance()(activations[..., :3, :]), atol=1e-6
    )


def test_a_recipe_of_your_own_is_swept_over_its_statistic_and_its_mask(example, tmp_path):
    module = example("A recipe with a mask, a statistic or a term")
    assert fell(module.run) and len(module.recipes) == 4
    assert module.TopRecipe.load(module.recipes[3].save(tmp_path / "top.json")[0]) == module.recipes[3]
    small = [dataclasses.replace(recipe, size=32, steps=2) for recipe in module.recipes]
    results = sweep(small, tmp_path / "sweep", workers=1)
    assert [result.recipe for result in results] == small
    assert ["MeanStd" in result.made for result in results] == [False, False, True, True]
    assert len({result.losses["style conv1_1"] for result in results}) == 4


def test_a_runs_first_loss_is_the_total_loss(example):
    module = example("An equation")
    assert module.run.history[0].losses.keys() == module.losses.keys()


def test_a_network_of_your_own_is_known_by_its_name(example, tmp_path):
    module = example("A network")
    assert fell(module.run) and "compact in grey" in module.run.describe()
    assert continues(module.run, tmp_path / "run.pt")
    (tmp_path / "recipe").mkdir()
    module.recipe.save(tmp_path / "recipe" / "grey.json")
    assert stylelib.Recipe.load(tmp_path / "recipe" / "grey.json") == module.recipe
    net = stylelib.load_network("compact-grey")
    red = torch.tensor([0.6, 0.0, 0.0])[:, None, None].expand(1, 3, 32, 32)
    assert torch.equal(net(red, ["conv1_1"])["conv1_1"], net(red.flip(1), ["conv1_1"])["conv1_1"]), "no colours"


def test_an_optimiser_of_your_own_is_known_by_its_name(example, tmp_path):
    module = example("An optimiser")
    assert fell(module.run) and "momentum" in module.run.describe().lower()
    assert continues(module.run, tmp_path / "run.pt")
    assert stylelib.Recipe(optimizer="momentum", size=32, steps=1).finish().number == 1


def test_sweeps_take_networks_and_optimisers_of_your_own(example, tmp_path):
    example("A network"), example("An optimiser")
    recipe = stylelib.Recipe("transfer", network="compact-grey", size=32, steps=2)
    results = sweep(grid(recipe, optimizer=["lbfgs", "momentum"]), tmp_path / "sweep", workers=1)
    assert [result.recipe.optimizer for result in results] == ["lbfgs", "momentum"]


def test_a_parameterization_keeps_the_colours_of_the_photograph(example, tmp_path):
    module = example("A parameterization")
    run = module.run
    assert fell(run) and "Lightness" in run.describe()
    picture = run.parameterization.decode(run.progress.best.parameters)
    colours = [one - module.lightness(one) for one in (picture.cpu(), module.photo)]
    assert torch.allclose(*colours, atol=1e-5)
    assert not torch.allclose(picture.cpu(), module.photo, atol=0.05)
    assert continues(run, tmp_path / "run.pt")


def test_a_generator_is_trained_against_a_list_of_terms(example):
    history = example("A generator that paints in one pass").history
    assert sum(history[-2:]) < 0.8 * sum(history[:2])


def test_an_exercise_recognises_a_mistake(example):
    module = example("An exercise")
    mistake, compared = str(module.verdict).split("\n")
    assert mistake == "✗ Not yet. That is the mean; the exercise asks for the largest value."
    assert compared.endswith("yours gives [0.4, 0.4, 0.6]; it should give [0.6, 0.4, 0.9].")
    assert module.exercise.check(lambda picture: picture.amax(dim=(0, 2, 3))).passed
