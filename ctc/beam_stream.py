"""An utterance that is searched as its scores come, and the hypotheses that are found."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from ctc import beam_kernels as kernels
from ctc import beam_merges as merges
from ctc import beam_state as state
from ctc import beam_survival as survival
from ctc.beam_setup import Search
from ctc.beam_times import CHUNK_TOKENS, time_tokens
from ctc.compilation import prepare
from ctc.decode import Token
from ctc.labels import whole_number
from ctc.loss import sequence_log_probs

_FIRST_NODES = 4096
_BLOCK_FRAMES = 4096  # in float64 at a time, of which kernels have one version
_VISITS = 10  # prefixes looked at for each hypothesis that is wanted: many spell the same words


@dataclass(frozen=True)
class SpokenWord:
    """A word of a hypothesis.

    Attributes
    ----------
    text : str
    start_frame, end_frame : int
        From the first frame of its first token to the end of the last frame of its last one.
    confidence : float
        Mean of its tokens' confidences, 0..1.
    """

    text: str
    start_frame: int
    end_frame: int
    confidence: float


@dataclass(frozen=True)
class Hypothesis:
    """What may have been said.

    Attributes
    ----------
    text : str
    tokens : tuple of Token
        Frames of the most likely path through them, and the highest posterior of each in its frames.
    words : tuple of SpokenWord
        Empty if the tokens do not tell words apart.
    score : float
        What hypotheses are ranked by, nats: acoustic score + language weight * ln(10) * language score + bonus; with a
        lexicon, of words found in several ways (pronunciations, endings) the sum of all, of which the rest is the
        best's.
    acoustic_score : float
        Log of the total probability of the paths that were searched, nats.
    lm_score : float
        log10, unweighted.
    bonus : float
        Word bonuses, log probabilities of pronunciations and hot-words, nats.
    """

    text: str
    tokens: tuple[Token, ...]
    words: tuple[SpokenWord, ...]
    score: float
    acoustic_score: float
    lm_score: float
    bonus: float


@dataclass(frozen=True)
class Candidate:
    """A hypothesis before its tokens are placed in time, which takes longer than finding it.

    Attributes
    ----------
    text : str
    labels : tuple of int
        Its tokens.
    score, acoustic_score, lm_score, bonus : float
        As of a `Hypothesis`.
    ends : tuple of int
        Number of the word that ends with each token, or -1.
    met : tuple of int
        Frame in which the search met each token.
    """

    text: str
    labels: tuple[int, ...]
    score: float
    acoustic_score: float
    lm_score: float
    bonus: float
    ends: tuple[int, ...]
    met: tuple[int, ...]


class BeamStream:
    """One utterance, decoded as its scores come; the result is that of decoding them at once.

    Attributes
    ----------
    num_frames : int
        Frames taken so far.
    """

    def __init__(self, search: Search, name: str = "") -> None:
        self.search, self._name = search, name
        size = search.options.beam_size
        self._beam = state.Beam(
            np.zeros((_FIRST_NODES + 6 * size, state.NUM_INTS), np.int32),
            np.zeros((_FIRST_NODES + 6 * size, state.NUM_FLOATS)),
            np.zeros(size, np.int32),
            np.zeros((size, 2)),
            np.array([1, 1, 0, 0], np.int64),
            np.zeros(1),
            *merges.make_merges(4 * size if search.options.merge_smallest else 0),
        )
        self._room = state.make_room(size, len(search.tokens))
        root = self._beam.ints[0]
        root[:] = -1
        root[state.POSITION], root[state.TREE], root[state.FRAME] = 0, 0, 0
        root[state.STATE], root[state.HOT] = search.begin_state, search.hot_state
        self._beam.floats[0, state.EXTRA] = self._beam.scale[0] = search.hot.potentials[search.hot_state]
        self._beam.masses[0, 0] = 1.0
        self._pieces: list[npt.NDArray] = []

    @property
    def num_frames(self) -> int:
        """Frames taken so far."""
        return int(self._beam.counts[2])

    def push(self, scores: torch.Tensor | npt.ArrayLike) -> None:
        """Take the next frames [n, K].

        Raises
        ------
        ValueError
            As `BeamDecoder.decode`. The frames before the one that is named are taken, and the stream can go on.
        """
        array = as_scores(scores)
        num_units = len(self.search.tokens)
        if array.ndim != 2 or array.shape[1] != num_units:
            raise ValueError(f"{self._name}scores: expected [T, {num_units}] for {num_units} tokens, got {array.shape}")
        first = self.num_frames
        try:
            for start in range(0, len(array), _BLOCK_FRAMES):
                self._advance(np.ascontiguousarray(array[start : start + _BLOCK_FRAMES], dtype=np.float64))
        finally:
            taken = array[: self.num_frames - first]
            if taken.dtype == np.float64 and len(taken):  # float32 would lose what a large common offset hides
                taken = taken - taken.max(axis=1, keepdims=True)
            self._pieces.append(taken.astype(np.float32))

    def _advance(self, array: npt.NDArray[np.float64]) -> None:
        """Search the next frames [n, K]."""
        search, at = self.search, 0
        while at < len(array):
            before = self.num_frames - at
            arguments = (
                *(array, at, search.weights, search.options, search.lm, search.tree, search.hot),
                *(self._beam, self._room),
            )
            prepare(kernels.advance, array.dtype, arguments)
            at, status = kernels.advance(*arguments)
            if status == 1:
                self._make_room()
            elif status == 2:
                raise ValueError(f"{self._name}frame {before + at} holds NaN, infinity or no finite score")
            elif status == 3:
                why = "no word of the lexicon can go on here" if search.by_word else "nothing that is possible is left"
                raise ValueError(f"{self._name}frame {before + at}: {why}")

    def partial(self, n_best: int = 1) -> list[Hypothesis]:
        """Best hypotheses so far, as if the last word ended here but the sentence went on."""
        return [self.timed(one) for one in self._candidates(n_best, ended=False)]

    def finish(self, n_best: int = 1) -> list[Hypothesis]:
        """Best hypotheses if the utterance ends here."""
        return [self.timed(one) for one in self.candidates(n_best)]

    def candidates(self, n_best: int = 1) -> list[Candidate]:
        """What `finish` returns, not yet placed in time."""
        return self._candidates(n_best, ended=True)

    def heard(self, sequences: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """Log of the total probability of all paths of each token sequence, nats [N]; -inf where frames are too few.

        Raises
        ------
        ValueError
            The tokens are those of every frame: of these sequences only the likeliest paths are known.
        """
        if self.search.options.framewise:
            raise ValueError(f"{self._name}tokens of every frame cannot be summed over")
        return sequence_log_probs(self._scores(), sequences, self.search.options.blank, self.search.log_prior)

    def timed(self, candidate: Candidate) -> Hypothesis:
        """A candidate with the times of its tokens and words."""
        scores, search = self._scores(), self.search
        met = np.array(candidate.met, np.int64) - (self.num_frames - len(scores))
        labels = np.array(candidate.labels, np.int64)
        tokens = time_tokens(scores, labels, met, search.options.blank, search.options.framewise)
        spoken = search.group_words(tokens, candidate.ends)
        apart = (candidate.score, candidate.acoustic_score, candidate.lm_score, candidate.bonus)
        return Hypothesis(candidate.text, tuple(tokens), tuple(spoken), *apart)

    def _scores(self) -> npt.NDArray[np.float32]:
        """Scores of all frames [T, K]."""
        return np.concatenate(self._pieces) if self._pieces else np.zeros((0, len(self.search.tokens)), np.float32)

    def _make_room(self) -> None:
        """Drop dead nodes, and double the room if most are alive."""
        beam = self._beam
        alive = np.zeros(beam.counts[1], np.bool_)
        merges.mark_alive(beam, alive)
        merges.renumber(beam, survival.compact(beam, alive))
        if beam.counts[1] > len(beam.ints) // 2:
            beam = beam._replace(ints=_doubled(beam.ints), floats=_doubled(beam.floats))
        if beam.counts[3] > len(beam.merges) // 2:
            beam = beam._replace(merges=_doubled(beam.merges), ratios=_doubled(beam.ratios))
        self._beam = beam

    def _candidates(self, n_best: int, *, ended: bool) -> list[Candidate]:
        n_best = whole_number("n_best", n_best)
        search, begins = self.search, self.search.tree.word_begins
        room = len(self._beam.entries) * max(1, int(np.diff(begins).max(initial=1)) if search.by_word else 1)
        results, endings = np.zeros((room, 3)), np.zeros((room, 2), np.int64)
        arguments = search.options, search.lm, search.tree, search.hot, self._beam, self._room
        count = kernels.finish(*arguments, ended, results, endings)
        results, nodes, last_words = results[:count], self._beam.entries[endings[:count, 0]], endings[:count, 1]
        totals = results @ np.array([1.0, search.options.lm_weight, 1.0])
        complete = last_words != -2
        order = np.lexsort([np.arange(count), -totals, ~complete])
        if complete.any():
            order = order[complete[order]]
        if search.options.merge_smallest and n_best > 1:
            found: Iterable[Candidate] = self._recalled(totals, nodes, order, results, last_words, n_best)
        else:
            found = (
                self._read(merges.path_of(self._beam, int(nodes[i])), last_words[i], totals[i], results[i])
                for i in order
            )
        distinct = self._merged(found) if search.by_word else different(search, found)
        return list(itertools.islice(distinct, n_best))

    def _read(self, nodes: list[int], last_word: int, total: float, apart: npt.NDArray) -> Candidate:
        """A prefix, the word that ends with it (or -1), its score, and its three scores apart."""
        search, table = self.search, self._beam.ints[nodes]
        labels, ends = table[:, state.TOKEN].tolist(), table[:, state.WORD].tolist()
        if ends and last_word >= 0:
            ends[-1] = int(last_word)
        if search.by_word:
            text = " ".join(search.words[word] for word in ends if word >= 0)
        elif search.has_words:
            text = " ".join(word.text for word in search.group_words([Token(k, 0, 0, 0.0) for k in labels], ends))
        else:
            text = search.join_tokens(labels)
        met = tuple(table[:, state.FRAME].tolist())
        acoustic_score, lm_score, bonus = apart.tolist()
        return Candidate(text, tuple(labels), float(total), acoustic_score, lm_score, bonus, tuple(ends), met)

    def _recalled(self, totals, nodes, order, results, last_words, n_best: int) -> list[Candidate]:
        """What ends like a prefix of the beam, of enough different texts, with the score of all its paths."""
        options, texts = self.search.options, set()
        known: dict[tuple, Candidate] = {}  # several ways may lead to the same tokens
        span = -math.log(options.merge_smallest)
        for one in merges.recall(self._beam, totals, nodes, order, _VISITS * n_best, span):
            apart = results[one.ending] + (0.0, one.lm_change, one.extra_change)
            read = self._read(one.nodes, last_words[one.ending], one.total, apart)
            texts.add(read.text)
            if len(texts) > n_best:
                break
            known.setdefault((read.labels, read.ends), read)
        heard = self.heard([read.labels for read in known.values()])
        rescored = []
        for read, acoustic in zip(known.values(), heard.tolist(), strict=True):
            if acoustic == -math.inf:  # more tokens than the frames have room for
                continue
            total = acoustic + options.lm_weight * read.lm_score + read.bonus
            rescored.append(replace(read, score=total, acoustic_score=acoustic, met=join_times(read.met)))
        return sorted(rescored, key=lambda one: -one.score)

    def _merged(self, found: Iterable[Candidate]) -> list[Candidate]:
        """The best of each word sequence, with the score of all its pronunciations."""
        sums: dict[tuple[int, ...], Candidate] = {}
        for one in found:
            key = tuple(word for word in one.ends if word >= 0)
            known = sums.get(key)
            if known is None:
                sums[key] = one
            elif not self.search.options.framewise:
                sums[key] = replace(known, score=float(np.logaddexp(known.score, one.score)))
        return sorted(sums.values(), key=lambda one: -one.score)


def different(search: Search, found: Iterable[Candidate]) -> Iterator[Candidate]:
    """The first of those that say the same, with the score of its own tokens: so the best is the same of one or many.

    Without words, which tokens are said counts.
    """
    known = set()
    for one in found:
        said = one.text if search.has_words else one.labels
        if said not in known:
            known.add(said)
            yield one


def join_times(met: tuple[int, ...]) -> tuple[int, ...]:
    """Frames from which on each token of a recalled prefix may lie: its nodes were met on different ways."""
    if len(met) <= CHUNK_TOKENS:
        return (0,) * len(met)
    return tuple(np.minimum.accumulate(np.array(met)[::-1])[::-1].tolist())


def _doubled(table: npt.NDArray) -> npt.NDArray:
    """The table with as much room again."""
    return np.concatenate([table, np.zeros_like(table)]) if len(table) else table


def as_scores(scores: torch.Tensor | npt.ArrayLike) -> npt.NDArray:
    """C-ordered float32 or float64 that kernels can take."""
    if isinstance(scores, torch.Tensor):
        scores = scores.detach().cpu()
        scores = (scores if scores.dtype == torch.float64 else scores.float()).numpy()
    array = np.asarray(scores)
    if array.dtype != np.float64:
        array = array.astype(np.float32, copy=False)
    return np.require(array, requirements=["C", "W", "A"])
