"""The best that pieces of several hypotheses make.

Two hypotheses of a long recording differ in many places, and each is right in some of them. There are more mixtures of
them than any list holds, but what one place adds to a score hardly depends on the others: the places can be tried one
by one, and what helps put together.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

Item = TypeVar("Item", bound=Hashable)


def differences(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[tuple[int, int, int, int]]:
    """Where two sequences differ: start and end in ours, start and end in theirs; neighbouring places are one.

    Examples
    --------
    >>> differences("the cat sat", "a cat sits")
    [(0, 3, 0, 1), (9, 10, 7, 8), (11, 11, 9, 10)]
    """
    found: list[tuple[int, int, int, int]] = []
    for step in Levenshtein.opcodes(ours, theirs):
        if step.tag == "equal":
            continue
        start, their_start = step.src_start, step.dest_start
        if found and found[-1][1] == start and found[-1][3] == their_start:
            start, _, their_start, _ = found.pop()
        found.append((start, step.src_end, their_start, step.dest_end))
    return found


def recombined(
    best: tuple[Item, ...],
    others: Sequence[tuple[Item, ...]],
    score: Callable[[list[tuple[Item, ...]]], NDArray[np.float64]],
    *,
    rounds: int = 3,
    key: Callable[[Item], Hashable] = lambda item: item,
) -> tuple[tuple[Item, ...], float]:
    """What is likelier than the best hypothesis when pieces of others take the place of its own.

    Parameters
    ----------
    best : tuple of items
        Where to begin.
    others : sequence of tuples of items
        Hypotheses whose pieces are tried.
    score : callable
        Scores of sequences, float64 [N]; larger is better, -inf for what cannot be.
    rounds : int
        Times that all pieces are tried, unless none helps before.
    key : callable
        What makes two items the same.

    Returns
    -------
    tuple of items
        No worse than `best`, which it may be.
    float
        What is gained.

    Examples
    --------
    >>> alike = lambda texts: np.array([-float(Levenshtein.distance(text, "recognise speech")) for text in texts])
    >>> recombined(tuple("wreck a nice speech"), [tuple("recognise beach")], alike)
    (('r', 'e', 'c', 'o', 'g', 'n', 'i', 's', 'e', ' ', 's', 'p', 'e', 'e', 'c', 'h'), 6.0)
    """
    first = total = float(score([best])[0])
    for _ in range(rounds):
        changes: dict[Hashable, tuple[int, int, tuple[Item, ...]]] = {}
        ours = [key(item) for item in best]
        for other in others:
            theirs = [key(item) for item in other]
            for start, end, their_start, their_end in differences(ours, theirs):
                change = start, end, other[their_start:their_end]
                changes.setdefault((start, end, *theirs[their_start:their_end]), change)
        if not changes:
            break
        tried = list(changes.values())
        scores = score([_changed(best, [change]) for change in tried])
        chosen: list[tuple[int, int, tuple[Item, ...]]] = []
        for number in np.argsort(-scores, kind="stable").tolist():
            start, end, _ = tried[number]
            if scores[number] <= total:
                break
            if all(end < a or start > b for a, b, _ in chosen):
                chosen.append(tried[number])
        if not chosen:
            break
        step, reached = _changed(best, chosen[:1]), float(scores.max())
        if len(chosen) > 1:
            together = _changed(best, chosen)
            if (value := float(score([together])[0])) > reached:
                step, reached = together, value
        best, total = step, reached
    return best, total - first


def _changed(sequence: tuple[Item, ...], changes: Sequence[tuple[int, int, tuple[Item, ...]]]) -> tuple[Item, ...]:
    """The sequence with some places, which do not touch, replaced."""
    parts, at = [], 0
    for start, end, items in sorted(changes, key=lambda change: change[:2]):
        parts += [sequence[at:start], items]
        at = end
    return sum((*parts, sequence[at:]), ())
