"""Spelling trees of vocabularies and lexicons, and the automaton of hot-words, as arrays for the beam search."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ctc.beam_state import HotWords, Tree
from ctc.ngram import UNKNOWN_ID, NGram

LN10 = math.log(10.0)
MOST_RISE = 2.0
_NO_MASKS = np.zeros(2, np.uint64)  # of another length than the tree's tokens


def no_tree(word_ids: npt.NDArray[np.int64] | None = None) -> Tree:
    """Stands for no tree; a model of tokens keeps the tokens' ids in it."""
    empty = np.zeros(1, np.int64)
    ids = empty if word_ids is None else word_ids
    zeros = np.zeros(2)
    begins, word_begins = np.ones(2, np.int64), np.zeros(2, np.int64)
    return Tree(begins, empty - 1, zeros, zeros + 1, word_begins, empty, zeros[:1], ids, _NO_MASKS, zeros + 1)


def build_tree(
    spellings: Sequence[Sequence[int]] | npt.NDArray[np.int64],
    words: npt.NDArray[np.int64],
    costs: npt.NDArray[np.float64],
    word_ids: npt.NDArray[np.int64],
    word_potentials: npt.NDArray[np.float64],
    unknown_potential: float,
    limits: npt.NDArray[np.float64] | None = None,
) -> Tree:
    """Build the prefix tree of spellings.

    Parameters
    ----------
    spellings : N sequences of token ids, none empty; or int64 [N, n] of them, filled up with -1
    words : int64 [N]
        Word of each spelling.
    costs : float64 [N]
        Log probability of each spelling given its word, nats; 0 or less.
    word_ids : int64 [words]
        Id of each word in the language model.
    word_potentials : float64 [N]
        What the best that each spelling can lead to is worth, nats.
    unknown_potential : float
        The same of words that the tree does not hold; -inf if there are none.
    limits : float64 [N + 1], optional
        The most that the word of each spelling, and an unknown one, can be worth in any context, nats.
    """
    padded, lengths = _padded(spellings)
    order = np.lexsort(padded.T[::-1])
    padded, lengths = padded[order], lengths[order]
    at = np.zeros(len(order), dtype=np.int64)  # node of each spelling at the current depth
    tokens, parents, total = [np.array([-1])], [np.array([-1])], 1
    rows = np.arange(len(order))
    for depth in range(padded.shape[1] - 1):
        rows = rows[lengths[rows] > depth]
        if not len(rows):
            break
        token, parent = padded[rows, depth], at[rows]
        is_new = np.append(True, (token[1:] != token[:-1]) | (parent[1:] != parent[:-1]))
        at[rows] = total + np.cumsum(is_new) - 1
        tokens.append(token[is_new])
        parents.append(parent[is_new])
        total += int(is_new.sum())
    all_parents = np.concatenate(parents)
    counts = np.bincount(all_parents[1:], minlength=total)
    by_node = np.argsort(at, kind="stable")
    potentials = np.full(total + 1, unknown_potential)
    np.maximum.at(potentials, at, word_potentials[order])
    first = total
    for level in reversed(tokens[1:]):
        first -= len(level)
        np.maximum.at(potentials, all_parents[first : first + len(level)], potentials[first : first + len(level)])
    potentials -= potentials[0]
    worth = np.full(len(order) + 1, np.inf) if limits is None else np.exp(limits)
    all_tokens = np.concatenate(tokens).astype(np.int64)
    masks = _NO_MASKS if total != 2 else np.zeros(1, np.uint64)
    if all_tokens.max() < 64:
        masks = np.zeros(total, np.uint64)
        np.bitwise_or.at(masks, all_parents[1:], np.uint64(1) << all_tokens[1:].astype(np.uint64))
    return Tree(
        np.append(1, 1 + np.cumsum(counts)).astype(np.int64),
        all_tokens,
        potentials,
        np.exp(-np.maximum(potentials, -700.0)),
        np.append(0, np.cumsum(np.bincount(at, minlength=total))).astype(np.int64),
        words[order][by_node].astype(np.int64),
        costs[order][by_node].astype(np.float64),
        word_ids,
        masks,
        np.append(worth[:-1][order][by_node], worth[-1]),
    )


def _padded(spellings: Sequence[Sequence[int]] | npt.NDArray[np.int64]) -> tuple[npt.NDArray, npt.NDArray]:
    """Spellings as int64 [N, longest + 1], filled up with -1, and their lengths [N]."""
    if isinstance(spellings, np.ndarray):
        return np.pad(spellings, ((0, 0), (0, 1)), constant_values=-1), (spellings >= 0).sum(axis=1)
    lengths = np.array([len(spelling) for spelling in spellings], dtype=np.int64)
    padded = np.full((len(spellings), int(lengths.max(initial=0)) + 1), -1, dtype=np.int64)
    inside = np.arange(padded.shape[1]) < lengths[:, None]
    padded[inside] = np.fromiter((token for spelling in spellings for token in spelling), np.int64, int(lengths.sum()))
    return padded, lengths


def unigram_potentials(model: NGram | None, word_ids: npt.NDArray[np.int64], weight: float, unknown_score: float):
    """What a word is worth by its probability alone, nats [N]; a guess, taken back where the word ends."""
    if model is None or weight == 0.0:
        return np.zeros(len(word_ids))
    scores = model.arrays.log_probs[1 + word_ids].astype(np.float64)
    return weight * LN10 * np.where(word_ids == UNKNOWN_ID, scores + unknown_score, scores)


def word_limits(model: NGram | None, word_ids: npt.NDArray[np.int64], weight: float, unknown_score: float):
    """The most that words, and at the end an unknown one, are worth in any context, nats [N + 1].

    No n-gram that ends in a word is more likely than the likeliest, and back-off weights seldom are above 1. Nor is a
    word taken to be more than `MOST_RISE` (log10) likelier than without context: one that would need more to stay in a
    full beam has not been followed to its end either, where the unigram alone speaks for it.
    """
    if model is None or weight == 0.0:
        return np.zeros(len(word_ids) + 1)
    arrays = model.arrays
    best = np.full(len(model.vocabulary), -np.inf, np.float32)
    np.maximum.at(best, arrays.words[1:], arrays.log_probs[1:])
    rise = max(0.0, float(arrays.backoffs.max(initial=0.0))) * (model.order - 1)
    ids = np.append(word_ids, UNKNOWN_ID)
    scores = best[ids].astype(np.float64) + rise + 1e-5  # some more, for sums are taken in another order
    scores = np.minimum(scores, arrays.log_probs[1 + ids] + MOST_RISE)
    return weight * LN10 * np.where(ids == UNKNOWN_ID, scores + unknown_score, scores)


_NOT_WRITTEN_OUT = np.zeros((1, 1), np.int32), np.ones((1, 1))
_NO_TOKENS = np.zeros(1, np.int64), np.ones(1)


def no_hot_words() -> HotWords:
    """An automaton of nothing."""
    zeros = np.zeros(1, np.int64)
    automaton = np.ones(2, np.int64), zeros - 1, zeros, np.zeros(1), np.zeros(1), np.ones(1)
    return HotWords(*automaton, *_NOT_WRITTEN_OUT, automaton[-1], np.ones(1), *_NO_TOKENS)


def build_hot_words(
    patterns: Mapping[tuple[int, ...], float], num_tokens: int | None = None, apart: int = -1
) -> HotWords:
    """Build the automaton of Aho and Corasick (1975) of label sequences.

    A state promises, for the part of a pattern already seen, that part of its boost (the most of all patterns it may
    become), so that a rare word survives until it is complete; the promise is taken back when the pattern fails, so
    only whole patterns count in the end.

    Parameters
    ----------
    patterns : mapping of label sequences to boosts in nats
    num_tokens : int, optional
        Labels are below this; with up to 64 of them the automaton is written out.
    apart : int
        Label that the search looks at apart from all others; -1 for none.
    """
    if not patterns:
        return no_hot_words()
    keys = sorted(patterns)
    tree = build_tree(
        keys,
        np.arange(len(keys)),
        np.zeros(len(keys)),
        np.zeros(1, np.int64),
        np.zeros(len(keys)),
        0.0,
    )
    num_states = len(tree.tokens)
    children: list[dict[int, int]] = [
        {int(tree.tokens[child]): int(child) for child in range(tree.begins[s], tree.begins[s + 1])}
        for s in range(num_states)
    ]
    fail = np.zeros(num_states, np.int64)
    potentials, awards = np.zeros(num_states), np.zeros(num_states)
    for pattern in keys:
        state = 0
        for depth, label in enumerate(pattern, 1):
            state = children[state][label]
            if depth < len(pattern):
                potentials[state] = max(potentials[state], patterns[pattern] * depth / len(pattern))
        awards[state] += patterns[pattern]
    for state in range(num_states):  # level by level
        for label, child in children[state].items():
            at = int(fail[state])
            while state and at and label not in children[at]:
                at = int(fail[at])
            fail[child] = children[at].get(label, 0) if state else 0
            potentials[child] = max(potentials[child], potentials[fail[child]])
            awards[child] += awards[fail[child]]
    best = np.zeros(num_states)
    for state in range(num_states):  # a child's gain, or that of the suffix, whose promise is smaller or the same
        reached = [potentials[child] + awards[child] for child in children[state].values()]
        if state:
            reached.append(best[fail[state]] + potentials[fail[state]])
        best[state] = max([0.0, *(value - potentials[state] for value in reached)])
    automaton = tree.begins, tree.tokens, fail, potentials, awards, np.exp(best)
    if num_tokens is None:
        return HotWords(*automaton, *_NOT_WRITTEN_OUT, automaton[-1], np.ones(1), *_NO_TOKENS)
    by_token = _by_token(children, potentials, awards, num_tokens)
    if num_tokens > 64:
        return HotWords(*automaton, *_NOT_WRITTEN_OUT, automaton[-1], np.ones(1), *by_token)
    targets, factors, most = _write_out(children, fail, potentials, awards, num_tokens, apart)
    return HotWords(*automaton, targets, factors, most, np.ones(1), *by_token)


def favour_words(hot: HotWords, tree: Tree, num_words: int) -> tuple[HotWords, Tree]:
    """Let a spelling tree know which of its words are hot, so that the search looks no longer at all others.

    A word gains no more than the state that it leads to promises and awards, whatever was promised before.
    """
    if len(hot.tokens) == 1:
        return hot, tree
    gains = np.zeros(num_words)
    np.maximum.at(gains, hot.tokens[1:], (hot.potentials + hot.awards)[1:])
    by_entry = np.exp(gains[tree.words])
    rises = np.ones(len(tree.tokens))
    np.maximum.at(rises, np.repeat(np.arange(len(rises)), np.diff(tree.word_begins)), by_entry)
    return hot._replace(rises=rises), tree._replace(limits=tree.limits * np.append(by_entry, 1.0))


def _by_token(children: list[dict[int, int]], potentials, awards, num_tokens: int):
    """Roots and gains of `HotWords`; a state promises no less than its suffixes, so that the shortest gains most."""
    roots, gains = np.zeros(num_tokens, np.int64), np.zeros(num_tokens)
    roots[list(children[0])] = list(children[0].values())
    for state, edges in enumerate(children):
        for label, child in edges.items():
            gains[label] = max(gains[label], potentials[child] + awards[child] - potentials[state])
    return roots, np.exp(gains)


def _write_out(children: list[dict[int, int]], fail, potentials, awards, num_tokens: int, apart: int):
    """Targets, factors and most of `HotWords`."""
    targets = np.zeros((len(children), num_tokens), np.int32)
    for state, edges in enumerate(children):  # a suffix is shorter, so its row is there
        targets[state] = targets[fail[state]]
        targets[state, list(edges)] = list(edges.values())
    factors = np.exp((potentials + awards)[targets] - potentials[:, None])
    most = np.delete(factors, apart, axis=1) if apart >= 0 else factors
    return targets, factors, most.max(axis=1)
