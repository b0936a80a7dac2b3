"""Hypotheses of a search of words, taken apart into them and put together anew.

Whoever scores hypotheses once more may want one that no search has listed: the beginning of one with the end of
another. Its scores are those that the search would have given it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ctc.beam_setup import Search
from ctc.beam_state import LEXICON, OPEN_WORDS, HotWords, Tree
from ctc.beam_stream import Candidate, join_times
from ctc.ngram import END_ID, score_sequence


class Piece(NamedTuple):
    """A word of a candidate.

    Attributes
    ----------
    word : int
        Its number in the lexicon; for letters in the language model's vocabulary, -1 if it is not there.
    labels : tuple of int
        Tokens of its pronunciation or spelling.
    met : tuple of int
        Frame in which the search met each of them.
    """

    word: int
    labels: tuple[int, ...]
    met: tuple[int, ...]


def can_be_parted(search: Search) -> bool:
    """Whether hypotheses are words by CTC: of a lexicon with no tokens between, or of letters without hot-words."""
    if search.options.mode == OPEN_WORDS:
        return len(search.hot.tokens) <= 1
    return search.options.mode == LEXICON and not search.options.framewise


def is_complete(search: Search, candidate: Candidate) -> bool:
    """Whether the last word is: letters always are one."""
    return search.options.mode == OPEN_WORDS or not candidate.labels or candidate.ends[-1] >= 0


def pieces_of(search: Search, candidate: Candidate) -> tuple[Piece, ...]:
    """Words of a candidate, but for a last one that is not complete."""
    pieces, start = [], 0
    labels, met = candidate.labels, candidate.met
    if search.options.mode == OPEN_WORDS:
        for end, label in enumerate((*labels, search.options.boundary)):
            if label == search.options.boundary:
                if end > start:
                    pieces.append(Piece(number_of(search.tree, labels[start:end]), labels[start:end], met[start:end]))
                start = end + 1
        return tuple(pieces)
    for end, word in enumerate(candidate.ends, 1):
        if word >= 0:
            pieces.append(Piece(word, labels[start:end], met[start:end]))
            start = end
    return tuple(pieces)


def labels_of(search: Search, pieces: Sequence[Piece]) -> tuple[int, ...]:
    """Tokens of words one after the other, with a boundary between if they are spelt."""
    return tuple(label for piece in _with_boundaries(search, pieces) for label in piece.labels)


def _with_boundaries(search: Search, pieces: Sequence[Piece]) -> list[Piece]:
    """Words of letters with a boundary before all but the first; others as they are."""
    if search.options.mode != OPEN_WORDS:
        return list(pieces)
    boundary = (search.options.boundary,)
    parted = (Piece(piece.word, boundary + piece.labels, piece.met[:1] + piece.met) for piece in pieces[1:])
    return [*pieces[:1], *parted]


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
        ids = np.array([search.tree.word_ids[word] if word >= 0 else 0 for word in words], np.int64)
        scores = np.zeros(len(ids) + 1)
        known = np.append(np.maximum(ids, 0), END_ID).astype(np.uint32)
        score_sequence(search.lm, search.begin_state, known, scores)
        lm_score = float(scores.sum()) + options.unknown_score * int((ids <= 0).sum())
    bonus = options.word_bonus * len(pieces) + hot_awards(search.hot, words)
    if options.mode == LEXICON and search.tree.word_costs.any():
        bonus += sum(spelling_cost(search.tree, piece) for piece in pieces)
    whole = _with_boundaries(search, pieces)
    spelt = (search.join_tokens(piece.labels) if piece.word < 0 else search.words[piece.word] for piece in pieces)
    return Candidate(
        text=" ".join(spelt),
        labels=labels_of(search, pieces),
        score=acoustic_score + options.lm_weight * lm_score + bonus,
        acoustic_score=acoustic_score,
        lm_score=lm_score,
        bonus=bonus,
        ends=tuple(end for piece in whole for end in (*[-1] * (len(piece.labels) - 1), piece.word)),
        met=join_times(tuple(frame for piece in whole for frame in piece.met)),
    )


def number_of(tree: Tree, labels: Sequence[int]) -> int:
    """Number of the word that is spelt so, or -1."""
    place = 0
    for label in labels:
        place = find_edge(tree.begins, tree.tokens, place, label)
        if place < 0:
            return -1
    first, end = tree.word_begins[place : place + 2].tolist()
    return int(tree.words[first]) if first < end else -1


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
