"""What a head hears, as text, and how many errors that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ctc import crf_decode, greedy_decode
from speech.units import Units


@dataclass(frozen=True)
class ErrorCounts:
    """Edit operations over a reference.

    Attributes
    ----------
    errors : substitutions, deletions and insertions
    total : symbols of the reference
    """

    errors: int
    total: int

    @property
    def rate(self) -> float:
        """Errors a reference symbol, 0.25 for 25 %; infinite for errors against nothing."""
        return self.errors / self.total if self.total else float("inf" if self.errors else 0)

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(self.errors + other.errors, self.total + other.total)


def best_texts(
    logits: torch.Tensor, lengths: torch.Tensor, units: Units, log_trigram: torch.Tensor | None = None
) -> list[str]:
    """Text of the best path of each row of logits [B, V, K]; runs of spaces count as one.

    With a trigram [K, K, K] paths are those of `ctc.crf_decode`.
    """
    if log_trigram is None:
        decoded = greedy_decode(logits, lengths)
    else:
        log_probs = logits.log_softmax(dim=2).cpu()
        decoded = [crf_decode(row[:length], log_trigram) for row, length in zip(log_probs, lengths, strict=True)]
    return [" ".join(units.decode([t.label for t in tokens]).split()) for tokens in decoded]


def score(reference: Sequence, hypothesis: Sequence) -> ErrorCounts:
    """Levenshtein distance between two sequences of symbols.

    >>> score("a cat sat".split(), "a hat sat down".split())
    ErrorCounts(errors=2, total=3)
    """
    ids: dict = {}
    rows = np.array([ids.setdefault(symbol, len(ids)) for symbol in reference], dtype=np.int64)
    columns = [ids.setdefault(symbol, len(ids)) for symbol in hypothesis]
    steps = np.arange(len(rows) + 1)
    distances = steps.copy()
    for count, symbol in enumerate(columns, start=1):
        # Substitution or insertion first; deletions then run down the column as a prefix minimum.
        best = np.empty_like(distances)
        best[0] = count
        best[1:] = np.minimum(distances[:-1] + (rows != symbol), distances[1:] + 1)
        distances = np.minimum.accumulate(best - steps) + steps
    return ErrorCounts(int(distances[-1]), len(rows))
