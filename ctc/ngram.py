"""A back-off n-gram model as arrays that kernels can walk: what a decoder asks for scores.

N-grams are the nodes of a tree: the root is the empty context, a child appends a word. Nodes are
numbered level by level and, within a level, by parent and word, so that the children of a node are
neighbours, sorted by word. A node is also a state: the longest context the model knows. `links`
leads to the same context without its oldest word.

Legend: **V** words, **M** nodes, **I** inner nodes (root and all orders but the highest).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ctc.compilation import jit_borrowing, jit_cached

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
UNKNOWN_ID, BEGIN_ID, END_ID = 0, 1, 2
MAX_ORDER = 6
UNKNOWN_LOG10 = -100.0
"""Score of words outside the vocabulary where a model has no <unk>, as KenLM defines it."""


class NGramArrays(NamedTuple):
    """The model as kernels see it; see the module for how nodes are numbered.

    Attributes
    ----------
    words : uint32 [M]
        Last word of each node; of the root, 0.
    log_probs : float32 [M]
        log10 of the probability of the last word given the ones before.
    backoffs : float32 [I]
        log10 of the weight of the next shorter context, for words that do not follow this one.
    begins : int64 [I + 1]
        Node i's children are ``begins[i]..begins[i + 1] - 1``.
    links : int32 [I]
        Node of the longest proper suffix; of the root, 0.
    """

    words: np.ndarray
    log_probs: np.ndarray
    backoffs: np.ndarray
    begins: np.ndarray
    links: np.ndarray


EMPTY = NGramArrays(
    np.zeros(1, np.uint32),
    np.zeros(1, np.float32),
    np.zeros(1, np.float32),
    np.ones(2, np.int64),
    np.zeros(1, np.int32),
)
"""Stands for no model where a kernel wants arrays."""


@jit_borrowing
def find_child(words, begins, node, word):
    """Node of the context of `node` with `word` appended, or -1."""
    if node == 0:
        return np.int64(word) + 1
    if node >= len(begins) - 1:
        return np.int64(-1)
    low, high = begins[node], begins[node + 1]
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < begins[node + 1] and words[low] == word:
        return np.int64(low)
    return np.int64(-1)


@jit_borrowing
def score_word(lm, state, word):
    """Return (log10 probability of `word` in `state`, next state)."""
    total = 0.0
    node = np.int64(state)
    child = find_child(lm.words, lm.begins, node, word)
    while child < 0:
        total += lm.backoffs[node]
        node = np.int64(lm.links[node])
        child = find_child(lm.words, lm.begins, node, word)
    total += lm.log_probs[child]
    num_inner = len(lm.links)
    while child >= num_inner:  # the highest order is no context: its longest suffix that exists is
        node = np.int64(lm.links[node])
        child = find_child(lm.words, lm.begins, node, word)
        while child < 0:
            node = np.int64(lm.links[node])
            child = find_child(lm.words, lm.begins, node, word)
        if node == 0 and child >= num_inner:  # order 1: no context at all
            return total, np.int64(0)
    # A context that nothing follows and that costs nothing to leave is the same as its suffix:
    # hypotheses meet sooner.
    while child > 0 and lm.begins[child] == lm.begins[child + 1] and lm.backoffs[child] == 0.0:
        child = np.int64(lm.links[child])
    return total, child


@jit_cached
def score_sequence(lm, state, words, scores):
    """Write the log10 probability of each word [N] after `state`; return the state after them."""
    for i in range(len(words)):
        scores[i], state = score_word(lm, state, words[i])
    return state


@jit_cached
def find_parents(grams, shorter, parents):
    """Write the row of each gram's [N, k] first k - 1 words in `shorter` [M, k - 1], both sorted; return one without.

    It returns -1 if all have one.
    """
    at, num_shorter, depth = 0, shorter.shape[0], shorter.shape[1]
    for i in range(grams.shape[0]):
        while True:
            if at == num_shorter:
                return i
            order = 0
            for k in range(depth):
                if shorter[at, k] != grams[i, k]:
                    order = 1 if shorter[at, k] < grams[i, k] else -1
                    break
            if order == 0:
                break
            if order < 0:
                return i
            at += 1
        parents[i] = at
    return -1


@jit_cached
def fill_links(words, begins, links):
    """Write the link of each inner node; parents come before their children, so theirs are known."""
    num_inner = len(links)
    links[0] = 0
    for node in range(num_inner):
        for child in range(begins[node], begins[node + 1]):
            if child >= num_inner:
                return
            if node == 0:
                links[child] = 0
                continue
            suffix = np.int64(links[node])
            found = find_child(words, begins, suffix, words[child])
            while found < 0:
                suffix = np.int64(links[suffix])
                found = find_child(words, begins, suffix, words[child])
            links[child] = found


@dataclass(frozen=True, eq=False)
class NGram:
    """A back-off n-gram model of words or characters.

    Attributes
    ----------
    vocabulary : tuple of str [V]
        Word of each id; the first three are <unk>, <s> and </s>.
    level_sizes : tuple of int
        N-grams of each order, the lowest first.
    arrays : NGramArrays

    Examples
    --------
    >>> model = NGram.from_levels(
    ...     ("<unk>", "<s>", "</s>", "a"), [unigrams([-1.0, 0.0, -0.5, -0.3])]
    ... )
    >>> round(model.score(["a", "a"]), 3)
    -1.1
    """

    vocabulary: tuple[str, ...]
    level_sizes: tuple[int, ...]
    arrays: NGramArrays = field(repr=False)

    @classmethod
    def from_levels(cls, vocabulary: Sequence[str], levels: "Sequence[Level]") -> "NGram":
        """Build the tree from the n-grams of each order.

        Parameters
        ----------
        vocabulary : sequence of str [V]
            The first three are <unk>, <s> and </s>.
        levels : sequence of Level
            One an order; the first holds every word in order of its id; all sorted by words.

        Raises
        ------
        MissingContext
            An n-gram whose first words are no n-gram themselves.
        """
        sizes = tuple(len(level.log_probs) for level in levels)
        num_inner = 1 + sum(sizes[:-1])
        begins = np.zeros(num_inner + 1, dtype=np.int64)
        begins[0], begins[1] = 1, 1 + sizes[0]
        words = [np.zeros(1, np.uint32), levels[0].grams[:, 0]]
        first = 1
        for order in range(2, len(levels) + 1):
            grams, shorter = levels[order - 1].grams, levels[order - 2].grams
            parents = np.zeros(len(grams), dtype=np.int64)
            bad = find_parents(grams, shorter, parents)
            if bad >= 0:
                raise MissingContext(order, bad)
            counts = np.bincount(parents, minlength=len(shorter))
            begins[first + 1 : first + 1 + len(shorter)] = begins[first] + np.cumsum(counts)
            words.append(grams[:, -1])
            first += len(shorter)
        log_probs = np.concatenate([np.zeros(1), *(level.log_probs for level in levels)]).astype(np.float32)
        backoffs = np.concatenate([np.zeros(1), *(level.backoffs for level in levels[:-1])]).astype(np.float32)
        return cls.from_arrays(vocabulary, sizes, np.concatenate(words).astype(np.uint32), log_probs, backoffs, begins)

    @classmethod
    def from_arrays(
        cls,
        vocabulary: Sequence[str],
        level_sizes: Sequence[int],
        words: np.ndarray,
        log_probs: np.ndarray,
        backoffs: np.ndarray,
        begins: np.ndarray,
        links: np.ndarray | None = None,
    ) -> "NGram":
        """Take arrays as in `NGramArrays`, and fill the links where there are none."""
        if links is None:
            links = np.zeros(len(backoffs), dtype=np.int32)
            fill_links(words, begins, links)
        return cls(tuple(vocabulary), tuple(level_sizes), NGramArrays(words, log_probs, backoffs, begins, links))

    @property
    def order(self) -> int:
        """Longest n-gram, in words."""
        return len(self.level_sizes)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id of each word."""
        return {word: index for index, word in enumerate(self.vocabulary)}

    @cached_property
    def begin_state(self) -> int:
        """State at the beginning of a sentence."""
        return 1 + BEGIN_ID if self.order > 1 else 0

    def encode(self, words: Sequence[str]) -> np.ndarray:
        """Ids of words, uint32 [N]; 0 for those outside the vocabulary."""
        get = self.ids.get
        return np.array([get(word, UNKNOWN_ID) for word in words], dtype=np.uint32)

    def word_scores(self, words: Sequence[str], *, bos: bool = True, eos: bool = True) -> np.ndarray:
        """log10 probability of each word, and of </s> at the end if `eos`; float64 [N] or [N + 1]."""
        ids = self.encode(words)
        if eos:
            ids = np.append(ids, np.uint32(END_ID))
        scores = np.zeros(len(ids))
        score_sequence(self.arrays, self.begin_state if bos else 0, ids, scores)
        return scores

    def score(self, words: Sequence[str], *, bos: bool = True, eos: bool = True) -> float:
        """log10 probability of a sentence, words outside the vocabulary scored as <unk>.

        Parameters
        ----------
        words : sequence of str
        bos, eos : bool
            Whether the sentence begins after <s>, and whether </s> is scored at its end.
        """
        return float(self.word_scores(words, bos=bos, eos=eos).sum())

    def levels(self) -> "list[Level]":
        """N-grams of each order, sorted by words, as `from_levels` takes them."""
        words, log_probs, backoffs, begins, _ = self.arrays
        levels: list[Level] = []
        first = 1
        shorter, num_shorter, first_shorter = np.zeros((1, 0), np.uint32), 1, 0
        for size in self.level_sizes:
            counts = np.diff(begins[first_shorter : first_shorter + num_shorter + 1])
            last = words[first : first + size, None].astype(np.uint32)
            grams = np.concatenate([np.repeat(shorter, counts, axis=0), last], axis=1)
            inner = backoffs[first : first + size] if first + size <= len(backoffs) else np.zeros(size, np.float32)
            levels.append(Level(grams, log_probs[first : first + size], inner))
            shorter, num_shorter, first_shorter = grams, size, first
            first += size
        return levels


@dataclass(frozen=True, eq=False)
class Level:
    """The n-grams of one order n.

    Attributes
    ----------
    grams : uint32 [N, n]
        Word ids, rows sorted.
    log_probs, backoffs : float [N]
        log10.
    """

    grams: np.ndarray
    log_probs: np.ndarray
    backoffs: np.ndarray


def unigrams(log_probs: Sequence[float], backoffs: Sequence[float] | None = None) -> Level:
    """Level of single words, ids 0, 1, 2 ..."""
    num_words = len(log_probs)
    grams = np.arange(num_words, dtype=np.uint32)[:, None]
    return Level(grams, np.asarray(log_probs), np.zeros(num_words) if backoffs is None else np.asarray(backoffs))


class MissingContext(ValueError):
    """An n-gram whose first words are no n-gram of the model: `order` and `row` say which."""

    def __init__(self, order: int, row: int):
        super().__init__(f"row {row} of order {order}: its first {order - 1} words are no n-gram")
        self.order, self.row = order, row
