"""Beam search decoding: with n-gram models of words or tokens, lexicons and hot-words; of batches and of streams."""

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ctc import beam_kernels as kernels
from ctc import beam_state as state
from ctc import beam_survival as survival
from ctc.beam_setup import Lexicon, Search, build_search
from ctc.beam_times import time_tokens
from ctc.compilation import prepare
from ctc.decode import Token
from ctc.labels import IntegersLike, as_int64
from ctc.ngram import NGram

_FIRST_NODES = 4096
_BLOCK_FRAMES = 4096  # in float64 at a time, of which kernels have one version


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
        What hypotheses are ranked by, nats: acoustic score + language weight * ln(10) * language score + bonus.
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


class BeamDecoder:
    """Prefix beam search for CTC, and Viterbi beam search for frame-wise posteriors.

    Parameters
    ----------
    tokens : sequence of str
        Text of each unit; that of the blank is not read. With a token " " (or "|", see `boundary`) words are told
        apart; word pieces begin words with "▁".
    lm : NGram, optional
        Of words, or of tokens where the tokens do not tell words apart or `lm_unit` says so.
    lexicon : mapping, optional
        Only these words are searched: each with its pronunciations, a pronunciation being tokens ("K AE T"), or
        characters
        ("cat"), or a mapping of these to probabilities. If there is a boundary token it stands between words.
    beam_size : int
        Prefixes kept each frame.
    token_beam : int, optional
        Most likely tokens considered each frame (not with a lexicon); all by default, which costs little.
    beam_threshold : float
        Prefixes worse than the best by more than this, nats, are dropped; math.inf for none.
    alternatives : int, optional
        Of prefixes that go on alike, since they are at the same place of a word and the models remember the same of
        them, so many are kept. What the others still had to come is lost, little with peaked scores, and a large
        beam is not filled with variants of what was said long ago. All by default.
    lm_weight : float
        Factor of the language model's log probability.
    word_bonus : float
        Nats for each word (each token, with a model of tokens).
    unknown_score : float
        log10 added to the score of words outside the model's vocabulary, which <unk> as a class flatters.
    hotwords : mapping of str to float, or sequence of str, optional
        Words or phrases and their boost in nats, 8 by default; of whole words only.
    blank : int
    boundary : str, optional
        Token between words; " " or "|" if it is among the tokens.
    lm_unit : "word" or "token", optional
    framewise : bool
        Units are states with self-loops, repeated at will, and the best path counts instead of the sum; `silence` is
        where the blank was.
    silence : str, optional
        Unit allowed for any time between words, if `framewise`.
    log_prior : float [K], optional
        Subtracted from the log posteriors.
    num_threads : int, optional
        For batches; all processors by default.

    Raises
    ------
    ValueError
        Tokens that do not match the model or the lexicon, and settings out of range.

    Examples
    --------
    >>> decoder = BeamDecoder(["<blank>", "a", "b"], beam_size=8)
    >>> best = decoder.decode(np.log([[0.1, 0.8, 0.1], [0.6, 0.1, 0.3], [0.2, 0.1, 0.7]]))[0]
    >>> best.text, round(math.exp(best.acoustic_score), 3)
    ('ab', 0.615)

    References
    ----------
    Graves et al., ICML 2006 (prefix search); Hannun et al., "First-pass large vocabulary continuous speech
    recognition using
    bi-directional recurrent DNNs", 2014 (prefix beam search with a word model); Ortmanns and Ney, "Look-ahead
    techniques for fast beam search", 2000 (unigram look-ahead in the tree of words).
    """

    def __init__(
        self,
        tokens: Sequence[str],
        lm: NGram | None = None,
        lexicon: Lexicon | None = None,
        *,
        beam_size: int = 64,
        token_beam: int | None = None,
        beam_threshold: float = 20.0,
        alternatives: int | None = None,
        lm_weight: float = 0.5,
        word_bonus: float = 0.0,
        unknown_score: float = -10.0,
        hotwords: Mapping[str, float] | Sequence[str] | None = None,
        blank: int = 0,
        boundary: str | None = None,
        lm_unit: str | None = None,
        framewise: bool = False,
        silence: str | None = None,
        log_prior: npt.ArrayLike | None = None,
        look_ahead: bool = True,
        num_threads: int | None = None,
    ) -> None:
        self.search: Search = build_search(
            tuple(tokens),
            lm,
            lexicon,
            beam_size=beam_size,
            token_beam=token_beam,
            beam_threshold=beam_threshold,
            alternatives=alternatives,
            lm_weight=lm_weight,
            word_bonus=word_bonus,
            unknown_score=unknown_score,
            hotwords=hotwords,
            blank=blank,
            boundary=boundary,
            lm_unit=lm_unit,
            framewise=framewise,
            silence=silence,
            log_prior=log_prior,
            look_ahead=look_ahead,
        )
        if num_threads is not None and num_threads < 1:
            raise ValueError(f"num_threads must be 1 or more, or None for all processors, got {num_threads}")
        self.num_threads = num_threads or os.cpu_count() or 1

    def decode(
        self, scores: torch.Tensor | npt.ArrayLike, lengths: IntegersLike | None = None, *, n_best: int = 1
    ) -> list[Hypothesis] | list[list[Hypothesis]]:
        """Decode one utterance or a padded batch.

        Parameters
        ----------
        scores : float [T, K] or [B, T, K]
            Logits or log probabilities: softmax is taken here, which leaves the latter as they are.
        lengths : int [B], optional
            Frames that count.
        n_best : int

        Returns
        -------
        list of Hypothesis, best first; for a batch, a list of these.

        Raises
        ------
        ValueError
            Shapes that disagree, NaN or infinite scores, or nothing that fits the lexicon (names row and frame).
        """
        array = _as_scores(scores)
        if array.ndim not in (2, 3):
            raise ValueError(f"scores: expected [T, K] or [B, T, K], got shape {array.shape}")
        if array.ndim == 2:
            if lengths is not None:
                raise ValueError("lengths belong to a batch [B, T, K]")
            return self._decode_row(array, n_best, "")
        counts = np.full(len(array), array.shape[1]) if lengths is None else as_int64(lengths, "lengths")
        if counts.shape != (len(array),) or (counts < 0).any() or (counts > array.shape[1]).any():
            raise ValueError(f"lengths: expected {len(array)} of 0..{array.shape[1]} frames, got {counts.tolist()}")
        jobs = [(array[b, :count], n_best, f"row {b}: ") for b, count in enumerate(counts)]
        if self.num_threads == 1 or len(jobs) <= 1:
            return [self._decode_row(*job) for job in jobs]
        with ThreadPoolExecutor(min(self.num_threads, len(jobs))) as pool:
            return list(pool.map(lambda job: self._decode_row(*job), jobs))

    def stream(self) -> "BeamStream":
        """Begin an utterance whose scores come in pieces."""
        return BeamStream(self.search)

    def _decode_row(self, scores: npt.NDArray, n_best: int, name: str) -> list[Hypothesis]:
        stream = BeamStream(self.search, name)
        stream.push(scores)
        return stream.finish(n_best)


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
            np.zeros((_FIRST_NODES + 4 * size, state.NUM_INTS), np.int32),
            np.zeros((_FIRST_NODES + 4 * size, state.NUM_FLOATS)),
            np.zeros(size, np.int32),
            np.zeros((size, 2)),
            np.array([1, 1, 0], np.int64),
            np.zeros(1),
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
        array = _as_scores(scores)
        num_units = len(self.search.tokens)
        if array.ndim != 2 or array.shape[1] != num_units:
            raise ValueError(f"{self._name}scores: expected [T, {num_units}] for {num_units} tokens, got {array.shape}")
        first = self.num_frames
        try:
            for start in range(0, len(array), _BLOCK_FRAMES):
                self._advance(np.ascontiguousarray(array[start : start + _BLOCK_FRAMES], dtype=np.float64))
        finally:
            self._pieces.append(array[: self.num_frames - first].astype(np.float32))

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
                raise ValueError(f"{self._name}frame {before + at}: no word of the lexicon can go on here")

    def partial(self, n_best: int = 1) -> list[Hypothesis]:
        """Best hypotheses so far, as if the last word ended here but the sentence went on."""
        return self._hypotheses(n_best, ended=False)

    def finish(self, n_best: int = 1) -> list[Hypothesis]:
        """Best hypotheses if the utterance ends here."""
        return self._hypotheses(n_best, ended=True)

    def _make_room(self) -> None:
        """Drop dead nodes, and double the room if most are alive."""
        survival.compact(self._beam)
        capacity = len(self._beam.ints)
        if self._beam.counts[1] > capacity // 2:
            grown = np.zeros((capacity, state.NUM_INTS), np.int32), np.zeros((capacity, state.NUM_FLOATS))
            ints = np.concatenate([self._beam.ints, grown[0]])
            self._beam = self._beam._replace(ints=ints, floats=np.concatenate([self._beam.floats, grown[1]]))

    def _hypotheses(self, n_best: int, *, ended: bool) -> list[Hypothesis]:
        if n_best < 1:
            raise ValueError(f"n_best must be 1 or more, got {n_best}")
        search, count = self.search, int(self._beam.counts[0])
        results, last_words = np.zeros((len(self._beam.entries), 3)), np.zeros(len(self._beam.entries), np.int64)
        arguments = search.options, search.lm, search.tree, search.hot, self._beam, self._room
        kernels.finish(*arguments, ended, results, last_words)
        totals = results[:count] @ np.array([1.0, search.options.lm_weight, 1.0])
        complete = last_words[:count] != -2
        order = np.lexsort([np.arange(count), -totals, ~complete])
        if complete.any():
            order = order[complete[order]]
        ranked = self._merged(order, totals, last_words) if search.by_word else [(totals[i], i) for i in order[:n_best]]
        scores = np.concatenate(self._pieces) if self._pieces else np.zeros((0, len(search.tokens)), np.float32)
        return [self._hypothesis(i, total, results[i], last_words[i], scores) for total, i in ranked[:n_best]]

    def _merged(self, order, totals, last_words) -> list[tuple[float, int]]:
        """Totals of each word sequence, over its pronunciations, and the entry of the best."""
        sums: dict[tuple[int, ...], tuple[float, int]] = {}
        for i in order:
            _, words, _ = self._labels(i)
            key = tuple(word for word in words if word >= 0) + ((int(last_words[i]),) if last_words[i] >= 0 else ())
            total, entry = sums.get(key, (-math.inf, i))
            joined = max(total, totals[i]) if self.search.options.framewise else float(np.logaddexp(total, totals[i]))
            sums[key] = joined, entry
        return sorted(sums.values(), key=lambda pair: (-pair[0], pair[1]))

    def _labels(self, entry: int) -> tuple[list[int], list[int], list[int]]:
        """Tokens, words that end with them (or -1) and frames of first sight, of an entry."""
        ints, node = self._beam.ints, int(self._beam.entries[entry])
        rows = []
        while node > 0:
            rows.append(node)
            node = int(ints[node, state.PARENT])
        table = ints[rows[::-1]]
        return table[:, state.TOKEN].tolist(), table[:, state.WORD].tolist(), table[:, state.FRAME].tolist()

    def _hypothesis(self, entry: int, total: float, result, last_word: int, scores) -> Hypothesis:
        search = self.search
        labels, words, frames = self._labels(entry)
        offset = self.num_frames - len(scores)
        tokens = time_tokens(
            scores,
            np.array(labels, np.int64),
            np.array(frames, np.int64) - offset,
            search.options.blank,
            search.options.framewise,
        )
        if words and last_word >= 0:
            words[-1] = int(last_word)
        spoken = search.group_words(tokens, words)
        text = " ".join(word.text for word in spoken) if search.has_words else search.join_tokens(labels)
        return Hypothesis(text, tuple(tokens), tuple(spoken), float(total), *(float(value) for value in result))


def _as_scores(scores: torch.Tensor | npt.ArrayLike) -> npt.NDArray:
    """C-ordered float32 or float64 that kernels can take."""
    if isinstance(scores, torch.Tensor):
        scores = scores.detach().cpu()
        scores = (scores if scores.dtype == torch.float64 else scores.float()).numpy()
    array = np.asarray(scores)
    if array.dtype != np.float64:
        array = array.astype(np.float32, copy=False)
    return np.require(array, requirements=["C", "W", "A"])
