"""Exercises without their functions, for students: the inputs of the checks and their results, as numbers.

A check needs the right function and the usual mistakes only for what they give with the check's own inputs. `seal`
computes these numbers and packs them; `unseal` makes exercises of them that give the same verdicts. The answer to a
question is kept as a digest.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.exercises.checking import CASES, Choice, Exercise, numbers_of
from stylelib.support.errors import InputError


class Results:
    """A function that is known for some arguments only."""

    def __init__(self, arguments: Sequence[Sequence[Any]], results: Sequence[Tensor]) -> None:
        self.known = list(zip(arguments, results, strict=True))

    def __call__(self, *arguments: Any) -> Tensor:
        for known, result in self.known:
            if all(_equal(one, other) for one, other in zip(known, arguments, strict=True)):
                return result
        raise InputError("The students' edition knows the results of its own checks only.")


class Digest:
    """An answer that can be compared with others, but not read."""

    def __init__(self, hexadecimal: str) -> None:
        self.hexadecimal = hexadecimal

    def __eq__(self, other: object) -> bool:
        return digest(other) == self.hexadecimal

    def __hash__(self) -> int:
        return hash(self.hexadecimal)


def digest(answer: object) -> str:
    """Return the digest of an answer; 4 and 4.0 have the same."""
    text = answer if isinstance(answer, str) else f"{float(answer):g}"  # type: ignore[arg-type]
    return hashlib.sha256(f"stylelib {text}".encode()).hexdigest()


def seal(exercises: Mapping[str, Exercise | Choice]) -> bytes:
    """Return a file's content, from which `unseal` makes exercises."""
    sealed = {
        name: _sealed_choice(exercise) if isinstance(exercise, Choice) else _sealed_exercise(exercise)
        for name, exercise in exercises.items()
    }
    return gzip.compress(json.dumps(sealed).encode(), mtime=0)


def unseal(content: bytes) -> dict[str, Exercise | Choice]:
    """Return the exercises in a file's content. They can check answers with the seed 0."""
    sealed = json.loads(gzip.decompress(content))
    return {name: _choice(parts) if "right" in parts else _exercise(parts) for name, parts in sealed.items()}


def _sealed_exercise(exercise: Exercise) -> dict[str, Any]:
    cases = exercise.cases()
    example = tuple(exercise.example.values())
    return {
        "cases": [[_packed(value) for value in case] for case in cases],
        "example": {name: _packed(value) for name, value in exercise.example.items()},
        "results": [_packed(numbers_of(exercise.reference(*case))) for case in (*cases, example)],
        "mistakes": {
            sentence: [_packed(numbers_of(mistake(*case))) for case in cases]
            for sentence, mistake in exercise.mistakes.items()
        },
        "praise": exercise.praise,
        "wording": exercise.wording,
    }


def _exercise(parts: dict[str, Any]) -> Exercise:
    cases = [tuple(_unpacked(value) for value in case) for case in parts["cases"]]
    example = {name: _unpacked(value) for name, value in parts["example"].items()}

    def inputs(generator: torch.Generator) -> tuple[Any, ...]:
        if generator.initial_seed() >= CASES:
            raise InputError("The students' edition checks with its own inputs only; leave the seed out.")
        return cases[generator.initial_seed()]

    return Exercise(
        inputs=inputs,
        reference=Results([*cases, tuple(example.values())], [_unpacked(one) for one in parts["results"]]),
        mistakes={
            sentence: Results(cases, [_unpacked(one) for one in results])
            for sentence, results in parts["mistakes"].items()
        },
        example=example,
        praise=parts["praise"],
        wording=parts["wording"],
    )


def _sealed_choice(choice: Choice) -> dict[str, Any]:
    return {
        "right": digest(choice.right),
        "wrong": list(choice.wrong.items()),  # as pairs, because a key of JSON cannot be a number
        "otherwise": choice.otherwise,
        "praise": choice.praise,
        "names": list(choice.names),
    }


def _choice(parts: dict[str, Any]) -> Choice:
    return Choice(**{**parts, "right": Digest(parts["right"]), "wrong": dict(parts["wrong"])})


def _packed(value: Any) -> Any:
    """Return an argument or a result as JSON can hold it."""
    if isinstance(value, Tensor):
        return {"type": str(value.dtype).removeprefix("torch."), "values": value.tolist(), "shape": list(value.shape)}
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        return torch.tensor(value["values"], dtype=getattr(torch, value["type"])).reshape(value["shape"])
    return value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one.double(), other.double())
    return bool(one == other)
