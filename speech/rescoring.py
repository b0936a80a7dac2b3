"""The best hypotheses of a search, scored once more by what would be too slow to ask at every step of it.

Characters and phones hear different mistakes: a hypothesis that both find likely is right more often. A recurrent
language model remembers the whole sentence, where the n-gram of the search forgets what is three words back.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ctc import sequence_log_probs
from speech.errors import ConfigError
from speech.units import BLANK, Units

if TYPE_CHECKING:
    from ctc import Candidate
    from speech.lm.neural import NeuralLM


class Opinion(Protocol):
    """Something that knows more of hypotheses than the search did."""

    def gains(self, hypotheses: "Sequence[Candidate]", scores: np.ndarray) -> np.ndarray:
        """What is added to the score of each hypothesis, nats [N].

        Parameters
        ----------
        hypotheses : sequence of Candidate
        scores : float32 [T, V K]
            Log probabilities of the second head in each of V views, side by side; [T, 0] if there is none.
        """


def total_scores(hypotheses: "Sequence[Candidate]", opinions: Sequence[Opinion], scores: np.ndarray) -> np.ndarray:
    """Scores of hypotheses with what all opinions add, nats [N]; -inf for those that one finds impossible.

    As they are if that would leave none, or there is but one to choose.

    Parameters
    ----------
    hypotheses : sequence of Candidate
    opinions : sequence of Opinion
    scores : float32 [T, V K]
        As `Opinion.gains` takes them.
    """
    totals = np.array([one.score for one in hypotheses])
    if not opinions or len(hypotheses) == 1:
        return totals
    gains = [opinion.gains(hypotheses, scores) for opinion in opinions]
    possible = np.isfinite(totals) & np.isfinite(gains).all(axis=0)
    if not possible.any():
        return totals
    return np.where(possible, totals + np.sum(gains, axis=0, where=possible), -np.inf)


class SecondHead:
    """The opinion of another output of the model.

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

    def gains(self, hypotheses: "Sequence[Candidate]", scores: np.ndarray) -> np.ndarray:
        """See `Opinion`."""
        heard = np.array([one.acoustic_score for one in hypotheses])
        return self.weight * (self.log_probs(hypotheses, scores) - heard)

    def log_probs(self, hypotheses: "Sequence[Candidate]", scores: np.ndarray) -> np.ndarray:
        """Log probability of each hypothesis by the second output [N], mean of all views; -inf for too few frames."""
        labels = [self._labels(one) for one in hypotheses]
        views = np.split(scores, scores.shape[1] // len(self.units), axis=1)
        return np.mean([sequence_log_probs(view, labels) for view in views], axis=0)

    def _labels(self, hypothesis: "Candidate") -> list[int]:
        """A hypothesis in the second output's units."""
        if self._table is not None:
            return [self._table[label] for label in hypothesis.labels]
        ids = self.units.ids
        return [ids[character] for character in hypothesis.text if character in ids]


class SecondLanguageModel:
    """The opinion of a language model that reads whole sentences.

    Parameters
    ----------
    model : NeuralLM
    weight : float
        Factor of its log probability and, with the opposite sign, of the n-gram's, which it replaces so far.
    known : container of words
        What the n-gram knows. It keeps what other words lose for being unknown, which hot-words get back.
    unknown_score : float
        What they lose, log10.
    """

    def __init__(self, model: "NeuralLM", weight: float, known, unknown_score: float):
        self.model, self.weight, self.known, self.unknown_score = model, weight, known, unknown_score

    def gains(self, hypotheses: "Sequence[Candidate]", _: np.ndarray) -> np.ndarray:
        """See `Opinion`."""
        replaced = [one.lm_score - self.unknown_score * self._num_unknown(one) for one in hypotheses]
        read = self.model.log_probs([one.text for one in hypotheses])
        return self.weight * (read - math.log(10.0) * np.array(replaced))

    def _num_unknown(self, hypothesis: "Candidate") -> int:
        return sum(word not in self.known for word in hypothesis.text.split())
