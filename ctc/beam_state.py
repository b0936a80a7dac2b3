"""Prefix beam search: its settings, its tables, and the state between and within frames, as the kernels see them.

Legend: **U** nodes of the spelling tree, **W** beam size, **K** units.
"""

from typing import NamedTuple

import numpy as np

# Columns of the nodes' integers and floats.
PARENT, TOKEN, WORD, CHILD, SIBLING, POSITION, TREE, STATE, HOT, FRAME, MERGED = range(11)
LM, EXTRA, FACTOR = range(3)
NUM_INTS, NUM_FLOATS = 11, 3
# Columns of the candidates' integers; floats are as those of nodes.
SOURCE = 0
# Columns of what fell to another node; each node begins a list of them.
WINNER, LOSER, NEXT, WHEN = range(4)
# What is searched: tokens alone, a model of tokens, words between boundaries (any, or a lexicon's), a lexicon's words.
PLAIN, TOKEN_MODEL, OPEN_WORDS, LEXICON_PARTED, LEXICON = range(5)
CACHE = 1 << 12  #: answers of the language model that are remembered


class Options(NamedTuple):
    """Settings of a search; `boundary` and `blank` are -1 where there is none.

    What falls to another prefix is remembered if its mass is at least `merge_smallest` of the other's; nothing if 0.
    """

    mode: int
    blank: int
    boundary: int
    framewise: bool
    beam_size: int
    token_beam: int
    smallest: float
    lm_weight: float
    word_bonus: float
    unknown_score: float
    alternatives: int
    merge_smallest: float


class Tree(NamedTuple):
    """Spellings of words: children of node u are nodes ``begins[u]..begins[u + 1] - 1``, sorted by token.

    `potentials` [U + 1] in nats are of the best word below (of an unknown word at the end), 0 at the root; `inverse`
    is their exp(-x). The words spelt by node u are ``words[word_begins[u]:word_begins[u + 1]]``, with `word_costs` in
    nats; ``limits[i]`` bounds what the i-th of them can be worth in any context, as a factor (of unknown words, the
    last element). `word_ids` are their ids in the language model. If no word has a token from 64 up, bit k of
    ``masks[u]`` tells that a child has token k; else `masks` has another length than `tokens` and edges are searched.
    """

    begins: np.ndarray
    tokens: np.ndarray
    potentials: np.ndarray
    inverse: np.ndarray
    word_begins: np.ndarray
    words: np.ndarray
    word_costs: np.ndarray
    word_ids: np.ndarray
    masks: np.ndarray
    limits: np.ndarray


class HotWords(NamedTuple):
    """Automaton of Aho and Corasick (1975).

    Children are as in `Tree`; `fail` leads to the longest suffix; a state promises and awards nats. `best` is exp of
    the most that any label can gain from each state.

    With up to 64 tokens as labels the automaton is written out: ``targets[s, k]`` is the next state and
    ``factors[s, k]`` exp of the gain, at most 1 if the next state is the root. ``most[s]`` is the largest of these but
    for a label that the search looks at apart. Where labels are words or many tokens, edges are searched, `targets` is
    of one element, and `most` is `best`. Where labels are the words of a spelling tree, ``rises[u]`` is exp of the most
    that a word spelt by its node u can gain, and so part of the tree's `limits`; else `rises` is of one element. Where
    labels are tokens, ``roots[k]`` is where the root leads, and ``gains[k]`` exp of the most that label k can gain from
    any state; else they are of one element.
    """

    begins: np.ndarray
    tokens: np.ndarray
    fail: np.ndarray
    potentials: np.ndarray
    awards: np.ndarray
    best: np.ndarray
    targets: np.ndarray
    factors: np.ndarray
    most: np.ndarray
    rises: np.ndarray
    roots: np.ndarray
    gains: np.ndarray


class Beam(NamedTuple):
    """State between frames: nodes and entries, best first.

    `counts` holds the number of entries, of nodes, of frames and of merges; `scale` the log of what masses were divided
    by; `ratios` the masses of what fell to another node over the other's.
    """

    ints: np.ndarray
    floats: np.ndarray
    entries: np.ndarray
    masses: np.ndarray
    counts: np.ndarray
    scale: np.ndarray
    merges: np.ndarray
    ratios: np.ndarray


class Room(NamedTuple):
    """Scratch space of a search, made once for all its frames."""

    probabilities: np.ndarray
    totals: np.ndarray
    limits: np.ndarray
    places: np.ndarray
    hot_states: np.ndarray
    hot_factors: np.ndarray
    last: np.ndarray
    stays: np.ndarray
    head: np.ndarray
    follow: np.ndarray
    values: np.ndarray
    ints: np.ndarray
    floats: np.ndarray
    select: np.ndarray
    spare: np.ndarray
    order: np.ndarray
    cache_keys: np.ndarray
    cache_scores: np.ndarray
    cache_states: np.ndarray
    alike: np.ndarray
    fallen: np.ndarray


def make_room(beam_size: int, num_units: int) -> Room:
    """Allocate scratch space; kernels themselves make no arrays."""
    capacity = 4 * beam_size + 64
    most = max(capacity + beam_size, num_units)
    return Room(
        np.empty(num_units),
        np.empty(beam_size),
        np.empty(beam_size),
        np.empty(beam_size, np.int32),
        np.empty(beam_size, np.int32),
        np.empty(beam_size),
        np.empty(beam_size, np.int32),
        np.empty((beam_size, 2)),
        np.empty(beam_size, np.int32),
        np.empty(beam_size, np.int32),
        np.empty(capacity),
        np.empty((capacity, NUM_INTS), np.int32),
        np.empty((capacity, NUM_FLOATS)),
        np.empty(most),
        np.empty(most),
        np.empty((2, most), np.int64),
        np.full(CACHE, -1, np.int64),
        np.empty(CACHE),
        np.empty(CACHE, np.int64),
        np.empty((2, 1 << (2 * most - 1).bit_length()), np.int32),
        np.empty((most, 2), np.int64),
    )
