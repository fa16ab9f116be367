"""The training code runs from pictures to a file that is small and whole, goes on exactly, and judges fairly."""

import json
import pathlib
import sys

import pytest
import safetensors
import torch

import stylelib

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools" / "training"))

import evaluate  # noqa: E402
import export  # noqa: E402
import goals  # noqa: E402
import optimiser  # noqa: E402
import student as students  # noqa: E402
import teacher as teachers  # noqa: E402
import train  # noqa: E402

TEACHER_WIDTHS, WIDTHS = (8, 10, 12, 14, 16), (4, 6, 8, 8, 8)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def teacher(layout="compact"):
    """A small network of random weights: what is tested is the way, not what is learned."""
    torch.manual_seed(0)
    network = students.Student(layout, TEACHER_WIDTHS).requires_grad_(False)
    for convolution in network.convolutions.values():
        torch.nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        torch.nn.init.normal_(convolution.bias, std=0.3)
    return teachers.Teacher(network, layout)


def options(folder, *more, layout="compact"):
    pictures = ["--photographs", str(ROOT / "images" / "content"), "--paintings", str(ROOT / "images" / "style")]
    small = "--widths 4-6-8-8-8 --size 32 --batch 4 --drawings 2 --first-crops 12 --rehearsed 20 --held-out 1"
    looks = "--look-every 4 --look-crops 8 --paint 8 --paint-size 40"
    return train.parse([layout, *pictures, "--run", str(folder), *f"{small} {looks}".split(), *more])


@pytest.mark.parametrize("layout", students.LAYOUTS)
def test_from_pictures_to_a_file(tmp_path, layout, capsys):
    train.Training(options(tmp_path, "--crops", "40", layout=layout), teacher(layout)).run()
    said = capsys.readouterr().out
    assert "closed form: conv1_1 0.00" in said and "held out after 40 crops" in said
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=False)
    path = export.export(state, tmp_path / f"{layout}.safetensors")
    with safetensors.safe_open(path, "pt") as file:
        header, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert "NOT one of the VGGs" in header["description"] and "CC BY 4.0" in header["teacher"]
    assert len(json.loads(header["input_mean"])) == 3 and header["training"].startswith("40 crops")
    assert [name for name in tensors if name.endswith(".weight")] and all(map(_finite, tensors.values()))
    layers = students.layer_names(layout)
    in_order = {f"{layer}.{kind}": tensors[f"{layer}.{kind}"] for layer in layers for kind in ("weight", "bias")}
    assert header["sha256"] == export.fingerprint(in_order)


def _finite(tensor):
    return tensor.isfinite().all()


@pytest.mark.parametrize(("layout", "megabytes", "multiplications"), [("compact", 6, 3.24e9), ("compact11", 4, 3.24e9)])
def test_the_budget(layout, megabytes, multiplications):
    student = students.Student(layout)
    assert 2 * sum(value.numel() for value in student.parameters()) < megabytes * 1e6
    assert student.multiplications() <= multiplications


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path):
    def run(folder, crops):
        training = train.Training(options(folder, "--crops", str(crops)), teacher())
        training.run()
        return training

    run(tmp_path / "interrupted", 20)
    run(tmp_path / "interrupted", 40)
    once = train.Training(options(tmp_path / "once", "--crops", "40"), teacher())
    while once.crops < 20:
        once.take_step()
    once.save()
    once.run()
    states = [torch.load(tmp_path / name / "checkpoint.pt", weights_only=False) for name in ("interrupted", "once")]
    assert len(states[0]["rehearsal"]["store"]) == 20 and states[0]["rehearsal"]["count"] > 0
    for name in ("student", "average"):
        for key, value in states[0][name].items():
            assert torch.equal(value, states[1][name][key]), key


def test_a_branch_ends_with_a_rate_of_nothing(tmp_path):
    training = train.Training(options(tmp_path, "--crops", "8"), teacher())
    before = {name: value.clone() for name, value in training.student.state_dict().items()}
    training.take_step(falling=0.0)
    assert all(torch.equal(value, before[name]) for name, value in training.student.state_dict().items())
    training.take_step()
    assert not torch.equal(
        training.student.state_dict()["convolutions.conv2_1.weight"], before["convolutions.conv2_1.weight"]
    )
    assert torch.equal(
        training.student.state_dict()["convolutions.conv1_1.weight"], before["convolutions.conv1_1.weight"]
    )


def test_in_turned_coordinates_inputs_are_independent_and_equally_strong():
    torch.manual_seed(0)
    inputs = torch.cat([torch.rand(500, 18), torch.ones(500, 1)], 1)
    layer = optimiser.Layer(torch.nn.Conv2d(2, 3, 3))
    layer.look(inputs, damping=1e-9)
    turned = inputs @ layer.turn
    assert torch.allclose(turned.T @ turned / 500, torch.eye(19), atol=0.05)


def test_closed_form_finds_a_network_that_exists():
    torch.manual_seed(0)
    crops, network = torch.rand(24, 3, 32, 32), teacher().network
    student = students.Student("compact", TEACHER_WIDTHS)
    errors = students.start_in_closed_form(student, crops, network(crops), ridge=1e-6, rounds=40)
    assert errors["conv1_1"] < 1e-3 and errors["conv3_1"] < 0.05
    seen = student(torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    assert all(activation.isfinite().all() for activation in seen.values())


def test_chosen_filters_explain_the_others():
    torch.manual_seed(0)
    one = torch.rand(6, 3, 32, 32)

    def network(crops, layers):  # three filters, of which the others are sums and multiples
        mixture = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0.2, 0.2], [0, 0, 0.1]])
        return {layer: torch.einsum("bchw,oc->bohw", crops, mixture) for layer in layers}

    chosen = teachers.choose_filters(teachers.Teacher(network, "compact11"), one, (3, 3, 3, 3, 3))
    assert chosen["conv1_1"].tolist() == [0, 1, 2]


def test_a_perfect_student_has_no_errors_and_a_silent_one_has():
    torch.manual_seed(0)
    seen = teacher().network(torch.rand(2, 3, 32, 32))
    usual = {layer: activation.square().mean().item() for layer, activation in seen.items()}
    assert max(goals.flat(goals.errors(seen, seen, usual)).values()) == 0
    silent = {layer: 0 * activation for layer, activation in seen.items()}
    assert min(goals.flat(goals.errors(silent, seen, usual)).values()) > 0.5


def test_the_judge_gives_vgg_itself_a_share_of_one(tmp_path, capsys):
    network = teacher().network
    torch.save({"layout": "compact", "widths": TEACHER_WIDTHS, "average": network.state_dict()}, tmp_path / "it.pt")
    arguments = train.argparse.Namespace(folder=tmp_path, size=48, steps=3)
    networks = {"itself": evaluate.load(str(tmp_path / "it.pt")), "compact": stylelib.load_network("compact")}
    results = [
        evaluate.judge_pair(network, networks, "valley,woodcut", init, arguments) for init in ("content", "noise")
    ]
    assert [one["shares"]["itself"] for one in results] == [1, 1]
    assert results[0]["shares"]["compact"] < 1
    assert "| valley, woodcut | 1.00 |" in evaluate.table(results)
    assert (tmp_path / "valley-woodcut-noise.png").exists()


def test_a_run_begins_with_the_filters_of_an_exported_file(tmp_path):
    training = train.Training(options(tmp_path / "first", "--crops", "20"), teacher())
    training.run()
    state = torch.load(tmp_path / "first" / "checkpoint.pt", weights_only=False)
    path = export.export(state, tmp_path / "student.safetensors")
    begun = train.Training(options(tmp_path / "second", "--crops", "20", "--start", str(path)), teacher())
    for layer in begun.student.layers:
        assert torch.equal(begun.chosen[layer], state["chosen"][layer])
        expected = state["average"][f"convolutions.{layer}.weight"]
        assert torch.allclose(begun.student.convolutions[layer].weight, expected, rtol=1e-3, atol=1e-6)
    begun.run()
    assert begun.crops == 20
