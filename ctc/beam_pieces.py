"""Hypotheses of a search with a lexicon, taken apart into words and put together anew.

Whoever scores hypotheses once more may want one that no search has listed: the beginning of one with the end of
another. Its scores are those that the search would have given it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ctc.beam_setup import Search
from ctc.beam_state import LEXICON, HotWords, Tree
from ctc.beam_stream import Candidate, join_times
from ctc.ngram import END_ID, score_sequence


class Piece(NamedTuple):
    """A word of a candidate.

    Attributes
    ----------
    word : int
        Its number in the lexicon.
    labels : tuple of int
        Tokens of its pronunciation.
    met : tuple of int
        Frame in which the search met each of them.
    """

    word: int
    labels: tuple[int, ...]
    met: tuple[int, ...]


def can_be_parted(search: Search) -> bool:
    """Whether hypotheses are words of a lexicon, without tokens between them, in the frames of CTC."""
    return search.options.mode == LEXICON and not search.options.framewise


def pieces_of(candidate: Candidate) -> tuple[Piece, ...]:
    """Words of a candidate, but for a last one that is not complete."""
    pieces, start = [], 0
    for end, word in enumerate(candidate.ends, 1):
        if word >= 0:
            pieces.append(Piece(word, candidate.labels[start:end], candidate.met[start:end]))
            start = end
    return tuple(pieces)


def put_together(search: Search, pieces: Sequence[Piece], acoustic_score: float) -> Candidate:
    """The candidate of these words, in an utterance that ends after them.

    Parameters
    ----------
    search : Search
        One that `can_be_parted`.
    pieces : sequence of Piece
    acoustic_score : float
        Of all their labels, nats.
    """
    options, words = search.options, [piece.word for piece in pieces]
    lm_score = 0.0
    if options.lm_weight != 0.0:
        ids = search.tree.word_ids[np.array(words, np.int64)]
        scores = np.zeros(len(ids) + 1)
        known = np.append(np.maximum(ids, 0), END_ID).astype(np.uint32)
        score_sequence(search.lm, search.begin_state, known, scores)
        lm_score = float(scores.sum()) + options.unknown_score * int((ids <= 0).sum())
    bonus = options.word_bonus * len(pieces) + hot_awards(search.hot, words)
    if search.tree.word_costs.any():
        bonus += sum(spelling_cost(search.tree, piece) for piece in pieces)
    return Candidate(
        text=" ".join(search.words[word] for word in words),
        labels=tuple(label for piece in pieces for label in piece.labels),
        score=acoustic_score + options.lm_weight * lm_score + bonus,
        acoustic_score=acoustic_score,
        lm_score=lm_score,
        bonus=bonus,
        ends=tuple(end for piece in pieces for end in (*[-1] * (len(piece.labels) - 1), piece.word)),
        met=join_times(tuple(frame for piece in pieces for frame in piece.met)),
    )


def spelling_cost(tree: Tree, piece: Piece) -> float:
    """Log probability of a pronunciation of a word, nats."""
    place = 0
    for label in piece.labels:
        place = find_edge(tree.begins, tree.tokens, place, label)
    entries = range(tree.word_begins[place], tree.word_begins[place + 1])
    return max(float(tree.word_costs[entry]) for entry in entries if tree.words[entry] == piece.word)


def hot_awards(hot: HotWords, words: Sequence[int]) -> float:
    """What hot-words in a sequence of words give, nats."""
    at, awards = 0, 0.0
    for word in words if len(hot.tokens) > 1 else ():
        found = find_edge(hot.begins, hot.tokens, at, word)
        while found < 0 and at != 0:
            at = int(hot.fail[at])
            found = find_edge(hot.begins, hot.tokens, at, word)
        at = max(found, 0)
        awards += float(hot.awards[at])
    return awards


def find_edge(begins: np.ndarray, tokens: np.ndarray, node: int, token: int) -> int:
    """Child of a tree's node, or -1."""
    first, end = int(begins[node]), int(begins[node + 1])
    found = first + int(np.searchsorted(tokens[first:end], token))
    return found if found < end and tokens[found] == token else -1
