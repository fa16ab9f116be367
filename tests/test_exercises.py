"""Each exercise's check: the right solution passes, usual mistakes fail with their own words."""

import re

import numpy as np
import pytest
import torch

from stylelib import losses
from stylelib.exercises import EXERCISES, check
from stylelib.exercises.checking import Choice, Exercise
from stylelib.support.errors import InputError

FUNCTIONS = [name for name, exercise in EXERCISES.items() if isinstance(exercise, Exercise)]
CHOICES = [name for name, exercise in EXERCISES.items() if isinstance(exercise, Choice)]
EXAMPLE = re.compile(r"Example: for .+ yours gives (.+); it should give (.+)\.")


def gram_matrix(f):
    return torch.einsum("bihw,bjhw->bij", f, f) / (f.shape[2] * f.shape[3])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_reference_passes(name):
    """The notebooks of solutions run what a reader would write."""
    verdict = check(name, EXERCISES[name].reference)
    assert verdict.passed and verdict.message == EXERCISES[name].praise
    assert repr(verdict).startswith("✓ Right.")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_mistake_is_named_and_its_example_shows_two_different_outputs(name):
    assert len(EXERCISES[name].mistakes) >= 5
    for sentence, mistake in EXERCISES[name].mistakes.items():
        verdict = check(name, mistake)
        said, example = verdict.message.split("\n")
        assert not verdict.passed and said == sentence
        assert EXAMPLE.fullmatch(example), example
        given, right = EXAMPLE.fullmatch(example).groups()
        assert given != right, example


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_is_small(name):
    (line,) = check(name, ...).message.splitlines()[1:]
    assert line.startswith("Example: for ") and len(line) < 220


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_has_one_right_answer_and_says_why_the_others_are_wrong(name):
    exercise = EXERCISES[name]
    assert check(name, exercise.right).passed and exercise.right not in exercise.wrong
    messages = [check(name, wrong).message for wrong in exercise.wrong]
    assert messages == list(exercise.wrong.values()) and len(set(messages)) == len(messages) >= 3
    assert not any(check(name, wrong).passed for wrong in exercise.wrong)
    assert "Still to do" in check(name, ...).message


@pytest.mark.parametrize("name", CHOICES)
def test_no_message_of_a_choice_names_the_right_answer(name):
    exercise = EXERCISES[name]
    answers = [*exercise.wrong, "nonsense", "", "conv9_9", 7, None, [exercise.right], {}, gram_matrix, "conv", "5"]
    for answer in answers:
        said = check(name, answer).message
        if answer != [exercise.right]:  # which the message repeats
            assert not re.search(rf"(?<![\w.]){re.escape(str(exercise.right))}\b", said), (answer, said)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("relu2_2", r"There is no layer 'relu2_2'; did you mean `conv2_2`\?"),
        ("cnov3_1", r"did you mean `conv3_1`\?"),
        ("conv2", r"There is no layer 'conv2'\. A name is like `conv5_4`\."),
        ("conv5_3", "conv5_3 is convolution 15"),
        (["conv2_2"], r"a name in quotation marks; got \['conv2_2'\]"),
        (2, "a name in quotation marks; got 2"),
    ],
)
def test_a_layers_name_is_matched_to_what_was_meant_and_not_to_the_right_one(answer, words):
    verdict = check("tutorial_layer", answer)
    assert not verdict.passed and re.search(words, verdict.message)


@pytest.mark.parametrize("answer", ["Conv2_2", " conv2_2 "])
def test_a_layers_name_may_have_capitals_and_spaces(answer):
    assert check("tutorial_layer", answer).passed


@pytest.mark.parametrize("answer", [4, 4.0, np.int64(4), np.array([4]), torch.tensor(4.0)])
def test_a_number_may_come_in_any_form(answer):
    assert check("gram_of_four_copies", answer).passed
    assert not check("gram_of_four_copies", answer + 1).passed


def three_dots_alone(steps):
    field, stride = 1, 1
    for step in steps:
        if step == "conv":
            field += 2 * stride
    return field


def kept(weight, bias, next_weight):
    return torch.cat([weight.flatten(), bias.flatten(), next_weight.flatten()])


def relative(F, P):
    return ((F - P) ** 2).sum() / (P**2).sum()


def sum_of_squares(F, P):
    return ((losses.gram_matrix(F) - losses.gram_matrix(P)) ** 2).sum()


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("map_size", lambda layer, h, w: (h // int(layer[4]), w // int(layer[4])), "divided by the block's number"),
        ("layer_parameters", lambda maps, filters: 9 * maps * filters, "biases are missing"),
        ("layer_parameters", lambda maps, filters: 10 * maps * filters, "each 3 × 3 square its own bias"),
        ("layer_parameters", lambda maps, filters: filters * 10, "one set of nine for all maps"),
        ("receptive_field", three_dots_alone, "poolings are missing"),
        ("receptive_field", lambda steps: 3 ** steps.count("conv") * 2 ** steps.count("pool"), "does not multiply"),
        ("normalise_filters", lambda w, b, n, m: kept(w / m, b / m, n), "two shapes do not fit together"),
        ("normalise_filters", lambda w, b, n, m: kept(w, b, n * m[:, None, None]), "division that is missing"),
        ("normalise_filters", lambda w, b, n, m: kept((w.mT - m[0]).mT, b - m[0], n), "not the right ones yet"),
        ("two_layer_loss", lambda F, P, G, Q, w: w * relative(F, P) + w * relative(G, Q), "weight w twice"),
        ("gram_as_printed", lambda F: F.reshape(-1, 4).T @ F.reshape(-1, 4), r"`reshape\(-1, N\)` mixes"),
        ("gram_as_printed", lambda F: torch.cov(F.flatten(1)), "a covariance"),
        ("gram_as_printed", lambda F: torch.corrcoef(F.flatten(1)), "the correlation"),
        ("gram_as_printed", lambda F: F.flatten(1).T @ F.flatten(1), "positions with positions"),
        (
            "style_gradient",
            lambda F, A: (F @ F.T / F.shape[1] - A) @ F,
            "divided G by M.*ReLU is missing.*factor of 3600",
        ),
        ("style_loss", lambda F, P: sum_of_squares(F, P) / (4 * 4**2 * 15**2), "equation 4 as printed"),
        (
            "style_loss",
            lambda F, P: torch.nn.functional.mse_loss(losses.gram_matrix(F), losses.gram_matrix(P)),
            "as mse_loss takes it",
        ),
        ("distance_matrix", lambda x: torch.cdist(x.flatten(1), x.flatten(1)), "You summed the squares"),
        ("total_loss", lambda content, E, w, a, b: a * (content + b * w @ E), "α multiplies everything"),
        ("equal_weights", lambda e: 1 / (5 * e), "by the number of layers"),
        ("printed_ratio", lambda ratio, N, M: ratio * N * M / 2, "on the wrong side"),
        ("mean_colour", lambda picture: picture.mean(dim=(2, 3)), r"should be \(3,\), and yours is \(1, 3\)"),
    ],
)
def test_a_mistake_is_recognised_as_a_reader_writes_it(name, answer, words):
    verdict = check(name, answer)
    assert not verdict.passed and re.search(words, verdict.message), verdict.message


# --------------------------------------------------------------------------------- whatever is handed in


def changes_its_input(right):
    def answer(*arguments):
        result = right(*arguments)
        for argument in arguments:
            if isinstance(argument, torch.Tensor):
                argument.zero_()
            elif isinstance(argument, list):
                argument.clear()
        return result

    return answer


def raises(error):
    def answer(*arguments):
        raise error

    return answer


def generates(*arguments):
    yield 1


async def waits(*arguments):
    return 1


class Unprintable:
    def __repr__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None


def tensor_of(make):
    """A function that turns the right numbers into something else."""
    return lambda right: lambda *arguments: make(torch.as_tensor(right(*arguments), dtype=torch.float32))


NOT_FUNCTIONS = {
    "None": None,
    "a number": 3.5,
    "a huge number": 10**5000,
    "a text": "G = F @ F.T",
    "a class": dict,
    "a module": torch.nn.Linear,
    "a tensor": torch.zeros(2, 2),
    "an array": np.zeros(3),
    "a list": [1, 2],
    "unprintable": Unprintable(),
    "the dots": ...,
    "a coroutine": waits,
}
FUNCTIONS_TO_HAND_IN = {  # made from the right one
    "no parameters": lambda right: lambda: 1,
    "nine parameters": lambda right: lambda a, b, c, d, e, f, g, h, i: 1,
    "only keywords": lambda right: lambda *, F: 1,
    "a built-in": lambda right: print,
    "nothing": lambda right: lambda *arguments: None,
    "the dots": lambda right: lambda *arguments: ...,
    "a pair of dots": lambda right: lambda *arguments: (..., ...),
    "adds dots": lambda right: lambda *arguments: arguments[0] + ...,
    "the arguments": lambda right: lambda *arguments: arguments,
    "a text": lambda right: lambda *arguments: "text",
    "itself": lambda right: lambda *arguments: right,
    "a dictionary": lambda right: lambda *arguments: {"loss": 1},
    "a truth value": lambda right: lambda *arguments: True,
    "a generator": lambda right: generates,
    "an empty list": lambda right: lambda *arguments: [],
    "a ragged list": lambda right: lambda *arguments: [1, [2, 3]],
    "a list of tensors": lambda right: lambda *arguments: [torch.zeros(2), torch.zeros(3)],
    "unprintable": lambda right: lambda *arguments: Unprintable(),
    "a huge number": lambda right: lambda *arguments: 10**400,
    "zero": lambda right: lambda *arguments: 0,
    "complex": tensor_of(lambda result: result * 1j),
    "an array of texts": tensor_of(lambda result: np.array(["a"])),
    "an array of objects": tensor_of(lambda result: np.array([None])),
    "on no device": tensor_of(lambda result: result.to("meta")),
    "one dimension more": tensor_of(lambda result: result[None]),
    "all zeros": tensor_of(torch.zeros_like),
    "twice an array": tensor_of(lambda result: 2 * result.numpy()),
    "three percent off": tensor_of(lambda result: result * 1.03),
    "NaN": tensor_of(lambda result: result * float("nan")),
    "infinite": tensor_of(lambda result: result + float("inf")),
    "noise": tensor_of(lambda result: result + torch.rand_like(result)),
    "changed input": changes_its_input,
    "kinds": lambda right: lambda *arguments: arguments[0] + {},
    "attribute": lambda right: lambda *arguments: arguments[0].nonsense,
    "name": lambda right: lambda *arguments: undefined,  # noqa: F821
    "import": lambda right: raises(ImportError("No module named 'x'")),
    "wrong dimension": lambda right: lambda *arguments: torch.zeros(2).sum(dim=7),
    "wrong entry": lambda right: lambda *arguments: torch.zeros(2)[7],
    "shapes": lambda right: lambda *arguments: torch.zeros(2, 3) + torch.zeros(2),
    "product": lambda right: lambda *arguments: torch.zeros(2, 3) @ torch.zeros(2, 3),
    "keyword": lambda right: lambda *arguments: torch.zeros(2, 3).mean(dims=0),
    "by zero": lambda right: lambda *arguments: 1 / 0,
    "assertion": lambda right: raises(AssertionError()),
    "leaves": lambda right: raises(SystemExit()),
    "two lines": lambda right: raises(ValueError("one\ntwo")),
}
RAW = re.compile(r"\w+(Error|Exception)\b|Traceback|operand|non-singleton|object has no|<class|0x[0-9a-f]{6}|NoneType")


@pytest.mark.parametrize("kind", NOT_FUNCTIONS)
def test_what_is_no_answer_gets_a_sentence(kind):
    for name in EXERCISES:
        says_something_plain(check(name, NOT_FUNCTIONS[kind]))


@pytest.mark.parametrize("kind", FUNCTIONS_TO_HAND_IN)
def test_a_function_that_fails_gets_a_sentence_and_the_example(kind):
    for name in FUNCTIONS:
        if kind == "changed input" and not any(
            isinstance(value, torch.Tensor | list) for value in EXERCISES[name].example.values()
        ):
            continue  # numbers cannot be changed
        verdict = check(name, FUNCTIONS_TO_HAND_IN[kind](EXERCISES[name].reference))
        says_something_plain(verdict)
        assert "\nExample: for " in verdict.message


def test_a_function_is_no_answer_to_a_question():
    for name in CHOICES:
        says_something_plain(check(name, gram_matrix))


def says_something_plain(verdict):
    assert not verdict.passed
    said, _, example = verdict.message.partition("\n")
    assert not RAW.search(verdict.message), verdict.message
    assert "\n" not in example and 20 < len(said) < 330 and said[-1] in ".?", said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Hand in a function, by its name"),
        (lambda f: None, "returned nothing"),
        (lambda f: ..., "Still to do"),
        (lambda f: f - ..., "Still to do"),
        (lambda: 0, r"has to take one argument. Begin it with `def my_function\(activations\):`"),
        (lambda f: "a text", "returned a str; it should return a tensor of shape"),
        (lambda f: f > 0, "returned a tensor of bool"),
        (lambda f: f, r"The shape is wrong: it should be \(2, 4, 4\), and yours is \(2, 4, 3, 5\)"),
        (lambda f: gram_matrix(f)[:, None], r"The numbers are right, the shape is not"),
        (lambda f: gram_matrix(f) * float("nan"), "NaN or an infinity"),
        (lambda f: 7 * gram_matrix(f), "yours is 7 times what it should be"),
        (lambda f: 0 * gram_matrix(f), "the same numbers for every input"),
        (lambda f: gram_matrix(f) + 0.001, "less than 1 % off"),
        (lambda f: gram_matrix(f).sqrt(), "not the right ones yet"),
        (lambda f: 3 * gram_matrix(f - f.mean(dim=(2, 3), keepdim=True)), "a covariance.*wrong factor of 3"),
        (lambda f: f.summ(), r"a Tensor has no `summ`; did you mean `sum`\?"),
        (lambda f: torch.einsumm(f), r"torch has no `einsumm`; did you mean `einsum`\?"),
        (lambda f: gram_matri(f), r"`gram_matri` is not defined; did you mean `gram_matrix`\?"),  # noqa: F821
        (lambda F: F + Ff, r"`Ff` is not defined; did you mean `F`\?"),  # noqa: F821
        (lambda f: f.mean(dims=(2, 3)), r"`dims=` is not an argument there; did you mean `dim`\?"),
        (lambda f: torch.stack([f, f], dimm=2), r"`dimm=` is not an argument there; did you mean `dim`\?"),
        (lambda f: f.std(dim=2, corection=0), r"`corection=` is not an argument there; did you mean `correction`\?"),
        (lambda f: f / f[0, :, 0, 0], "two shapes do not fit together"),
        (lambda f: torch.einsum("bihw,bjh->bij", f, f), "two shapes do not fit together"),
        (lambda f: f.numpy() + np.zeros(7), "two shapes do not fit together"),
        (lambda f: f.flatten(2) @ f.double().flatten(2).mT, "different number types"),
        (lambda f: f.mean(dim=4), "a dimension that the tensor lacks"),
        (lambda f: f[:, 9], "an entry that is not there"),
        (lambda f: f.sum().backward(), "a gradient that is not there"),
        (lambda f: f if f > 0 else 0, "needs one number"),
        (lambda f: float(f), "needs one number"),
        (lambda f: f(2), "calls something that is not a function"),
        (lambda f: f.sum(dim=None) + None, "None where it needs a tensor"),
        (lambda f: f.zero_() + 1, "changes `activations` itself"),
        (lambda f: f + "a", "values that do not go together"),
        (raises(ValueError("my own words")), "“my own words”"),
        (raises(InputError("There is no layer 'x'.")), "There is no layer 'x'."),
    ],
)
def test_other_answers_get_words_that_help(answer, words):
    verdict = check("gram_matrix", answer)
    assert not verdict.passed
    assert repr(verdict).startswith("✗ Not yet.")
    assert re.search(words, verdict.message), verdict.message


def test_a_function_that_stops_is_quoted_where_it_stops():
    def answer(activations):
        sides = activations.shape[2:]
        return activations / sides

    assert "at `return activations / sides`: " in check("gram_matrix", answer).message


def test_an_array_a_list_and_autograd_are_right_too():
    def by_autograd(F, P):
        F = F.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(((F - P) ** 2).sum() / 2, F)
        return gradient * (F > 0)

    assert check("gram_matrix", lambda f: gram_matrix(f).numpy()).passed
    assert check("gram_matrix", lambda f: gram_matrix(f).tolist()).passed
    assert check("content_gradient", by_autograd).passed
    assert check("content_loss", lambda F, P: ((F - P) ** 2).sum().item() / 2).passed


def test_an_answer_cannot_pass_by_changing_what_it_is_given():
    def cheat(f):
        f.zero_()
        return torch.zeros(2, 4, 4)

    assert not check("gram_matrix", cheat).passed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_answer_that_changes_its_input_changes_no_later_verdict(name):
    before = check(name, lambda *arguments: 0).message
    check(name, changes_its_input(EXERCISES[name].reference))
    assert check(name, lambda *arguments: 0).message == before


def test_unknown_exercises_are_named_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'gram_matrix'"):
        check("gram", lambda f: f)
    with pytest.raises(InputError, match="Did you mean 'content_loss'"):
        check("contnet_loss", lambda f: f)
    with pytest.raises(InputError, match="The exercise's name comes first"):
        check(gram_matrix, "gram_matrix")
