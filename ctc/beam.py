"""Beam search decoding: with n-gram models of words or tokens, lexicons and hot-words; of batches and of streams."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch

from ctc.beam_setup import Lexicon, Search, build_search
from ctc.beam_stream import BeamStream, Candidate, Hypothesis, SpokenWord, as_scores
from ctc.labels import IntegersLike, as_int64
from ctc.ngram import NGram

__all__ = ["BeamDecoder", "BeamStream", "Candidate", "Hypothesis", "SpokenWord"]


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
    merge_threshold : float
        What was dropped so, at a score less by no more than this, nats, comes back among the n best, with the acoustic
        score of all its paths; 0 for nothing. The best alone is found as without.
    lm_weight : float
        Factor of the language model's log probability.
    word_bonus : float
        Nats for each word (each token, with a model of tokens).
    unknown_score : float
        log10 added to the score of words outside the model's vocabulary, which <unk> as a class flatters.
    hotwords : mapping of str to float, or sequence of str, optional
        Words or phrases and their boost in nats, 8 by default; of whole words only. In word pieces the 8 shortest ways
        to spell them count, and so do words that go on from there.
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
    TypeError
        A model, a lexicon, hot-words or a blank of another kind.

    Examples
    --------
    >>> import math
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
        merge_threshold: float = 0.0,
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
            merge_threshold=merge_threshold,
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
        list of Hypothesis, best first; for a batch, a list of these. No two have the same words. With a lexicon a
        score is that of all pronunciations; else of several ways to write the same (with and without a boundary at the
        end, in other word pieces) the best stands for them with its own. Without words tokens differ.

        Raises
        ------
        ValueError
            Shapes that disagree, NaN or infinite scores, or nothing that fits the lexicon (names row and frame).
        """
        array = as_scores(scores)
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

    def stream(self) -> BeamStream:
        """Begin an utterance whose scores come in pieces."""
        return BeamStream(self.search)

    def _decode_row(self, scores: npt.NDArray, n_best: int, name: str) -> list[Hypothesis]:
        stream = BeamStream(self.search, name)
        stream.push(scores)
        return stream.finish(n_best)
