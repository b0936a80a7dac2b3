"""The best hypotheses of one output of the model, scored once more by another one.

Characters and phones hear different mistakes: a hypothesis that both find likely is right more often.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from ctc import ctc_loss
from speech.errors import ConfigError
from speech.units import BLANK, Units

if TYPE_CHECKING:
    from ctc import Hypothesis

MOST_CELLS = 1 << 25  # frames times units times hypotheses that are scored at a time


class Rescorer:
    """Picks among hypotheses by the scores of two outputs together.

    Parameters
    ----------
    units : Units
        Of the second output, by CTC.
    first : Units
        Of the output that was searched.
    weight : float
        Share of the second output's log probability, 0..1; the first has the rest.

    Raises
    ------
    ConfigError
        Outputs that do not go together: the second must spell characters, or the same phones as the first.
    """

    def __init__(self, units: Units, first: Units, weight: float):
        if units.symbols[0] != BLANK:
            raise ConfigError("the second head must be one of CTC")
        self.units, self.weight = units, weight
        self._table: list[int] | None = None
        if units.kind != "character":
            names = [symbol if symbol in units.ids else symbol.rstrip("012") for symbol in first.symbols]
            if any(name not in units.ids for name in names[1:]):
                raise ConfigError(f"a second head of {units.kind}s cannot score {first.kind}s; name another")
            self._table = [units.ids.get(name, 0) for name in names]

    def best(self, hypotheses: "Sequence[Hypothesis]", scores: np.ndarray) -> "Hypothesis":
        """The hypothesis with the highest score of both outputs.

        Parameters
        ----------
        hypotheses : sequence of Hypothesis, best first
        scores : float32 [T, K]
            Log probabilities of the second output.
        """
        if len(hypotheses) == 1:
            return hypotheses[0]
        second = self.log_probs(hypotheses, scores)
        totals = [one.score + self.weight * (s - one.acoustic_score) for one, s in zip(hypotheses, second, strict=True)]
        return hypotheses[int(np.argmax(totals))]

    def log_probs(self, hypotheses: "Sequence[Hypothesis]", scores: np.ndarray) -> np.ndarray:
        """Log probability of each hypothesis by the second output [N]; -inf where it has too few frames."""
        labels = [self._labels(one) for one in hypotheses]
        found: list[np.ndarray] = []
        block = max(1, MOST_CELLS // max(1, scores.size))
        for first in range(0, len(labels), block):
            part = labels[first : first + block]
            lengths = torch.tensor([len(one) for one in part])
            targets = torch.tensor([label for one in part for label in one], dtype=torch.int64)
            rows = torch.from_numpy(np.repeat(scores[None], len(part), axis=0))
            frames = torch.full((len(part),), len(scores))
            found.append(-ctc_loss(rows, targets, frames, lengths, reduction="none").numpy())
        return np.concatenate(found)

    def _labels(self, hypothesis: "Hypothesis") -> list[int]:
        """A hypothesis in the second output's units."""
        if self._table is not None:
            return [self._table[token.label] for token in hypothesis.tokens]
        ids = self.units.ids
        return [ids[character] for character in hypothesis.text if character in ids]
