"""The best hypotheses of a search, and mixtures of them, scored once more by what would be too slow at every step.

Characters and phones hear different mistakes: a hypothesis that both find likely is right more often. A recurrent
language model remembers the whole sentence, where the n-gram of the search forgets what is three words back.
"""

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ctc import sequence_log_probs
from ctc.beam_pieces import Piece, can_be_parted, is_complete, labels_of, pieces_of, put_together
from speech.errors import ConfigError
from speech.recombination import recombined
from speech.units import Units

if TYPE_CHECKING:
    from ctc import BeamStream, Candidate
    from speech.lm.neural import NeuralLM
    from speech.lm.reading import Reading


MOST_ROUNDS = 1
"""Times that words of other hypotheses are tried in the best one."""
MOST_ASKED = 16
MOST_BEHIND = 5.0
"""So many of what is tried are asked opinions on, and only if no more nats behind the best hypothesis without them.

On two development sets 64 and 8 nats found no fewer errors, for half as much time again.
"""
CONTEXT = 12
"""Pieces after which the recurrent language model no longer knows how hypotheses differed; see `speech.lm.reading`.

On two development sets 12 chose the same texts but for one word, and 6 lost 0.3 % of the words.
"""


class Opinion(Protocol):
    """Something that knows more of hypotheses than the search did."""

    def for_utterance(self) -> "Opinion":
        """Itself, or one that remembers what it is asked until the end of an utterance."""

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
    if not opinions or len(hypotheses) == 1:
        return np.array([one.score for one in hypotheses])
    totals = _with_gains(hypotheses, opinions, scores)
    return totals if np.isfinite(totals).any() else np.array([one.score for one in hypotheses])


def _with_gains(hypotheses: "Sequence[Candidate]", opinions: Sequence[Opinion], scores: np.ndarray) -> np.ndarray:
    """Scores with what opinions add, nats [N]; -inf for the impossible."""
    totals = np.array([one.score for one in hypotheses])
    if not opinions:
        return totals
    gains = [opinion.gains(hypotheses, scores) for opinion in opinions]
    possible = np.isfinite(totals) & np.isfinite(gains).all(axis=0)
    return np.where(possible, totals + np.sum(gains, axis=0, where=possible), -np.inf)


def with_recombined(
    candidates: "list[Candidate]",
    totals: np.ndarray,
    streams: "Sequence[BeamStream]",
    opinions: Sequence[Opinion],
    scores: np.ndarray,
    most: int,
) -> "tuple[list[Candidate], np.ndarray]":
    """Candidates and their total scores, with one more if words of others make the best one better.

    Parameters
    ----------
    candidates, totals : as `total_scores` takes and gives them
    streams : the searches in all views; nothing is done unless their hypotheses can be taken apart into words
    opinions, scores : as `total_scores` takes them
    most : int
        Best candidates whose words are tried.
    """
    search = streams[0].search
    order = [number for number in np.argsort(-totals, kind="stable")[:most].tolist() if np.isfinite(totals[number])]
    complete = [number for number in order if is_complete(search, candidates[number])]
    if not can_be_parted(search) or len(complete) < 2 or complete[0] != order[0]:
        return candidates, totals
    sequences = [pieces_of(search, candidates[number]) for number in complete]
    known: dict[tuple[Piece, ...], Candidate] = {}

    def joined(variants: list[tuple[Piece, ...]]) -> "list[Candidate]":
        new = [pieces for pieces in dict.fromkeys(variants) if pieces not in known]
        if new:
            labels = [labels_of(search, pieces) for pieces in new]
            heard = np.mean([stream.heard(labels) for stream in streams], axis=0)
            known.update(
                (pieces, put_together(search, pieces, score)) for pieces, score in zip(new, heard.tolist(), strict=True)
            )
        return [known[pieces] for pieces in variants]

    def total(variants: list[tuple[Piece, ...]]) -> np.ndarray:
        found = joined(variants)
        own = np.array([one.score for one in found])
        asked = np.argsort(-own, kind="stable")[:MOST_ASKED]
        asked = asked[own[asked] >= least]
        values = np.full(len(found), -np.inf)
        if len(asked):
            values[asked] = _with_gains([found[number] for number in asked], opinions, scores)
        return values

    least = joined(sequences[:1])[0].score - MOST_BEHIND
    pieces, gain = recombined(
        sequences[0], sequences[1:], total, rounds=MOST_ROUNDS, key=lambda piece: (piece.word, piece.labels)
    )
    (made,) = joined([pieces])
    known_texts = {one.text for one in candidates}  # whose scores, of all pronunciations, are known
    if not 0 < gain < math.inf or made.text in known_texts:
        return candidates, totals
    reached = totals.max() + gain
    if not search.by_word:  # a doubled boundary, which mixtures lack, may have been worth more
        reached = min(reached, total([pieces])[0])
    if reached <= totals.max():
        return candidates, totals
    return [*candidates, made], np.append(totals, reached)


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
        if units.framewise:
            raise ConfigError("the second head must be one of CTC")
        self.units, self.weight = units, weight
        self._table: list[int] | None = None
        if units.kind != "character":
            names = [symbol if symbol in units.ids else symbol.rstrip("012") for symbol in first.symbols]
            if any(name not in units.ids for name in names[1:]):
                raise ConfigError(f"a second head of {units.kind}s cannot score {first.kind}s; name another")
            self._table = [units.ids.get(name, 0) for name in names]

    def for_utterance(self) -> "SecondHead":
        """See `Opinion`."""
        return self

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
        return [ids[character] for character in hypothesis.text.lower() if character in ids]


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
        self.reading: Reading | None = None  #: of an utterance

    def gains(self, hypotheses: "Sequence[Candidate]", _: np.ndarray) -> np.ndarray:
        """See `Opinion`."""
        replaced = [one.lm_score - self.unknown_score * self._num_unknown(one) for one in hypotheses]
        reading = self.reading or self.model.reading(CONTEXT)
        read = reading.log_probs([one.text for one in hypotheses])
        return self.weight * (read - math.log(10.0) * np.array(replaced))

    def for_utterance(self) -> "SecondLanguageModel":
        """See `Opinion`."""
        fresh = copy.copy(self)
        fresh.reading = self.model.reading(CONTEXT)
        return fresh

    def _num_unknown(self, hypothesis: "Candidate") -> int:
        return sum(word not in self.known for word in hypothesis.text.split())
