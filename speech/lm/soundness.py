"""Whether the arrays of an n-gram model are such that kernels stay inside of them and searches in them find words."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

_BLOCK = 1 << 18  # values at a time: what is compared stays in the processor's cache


def is_sound(
    sizes: Sequence[int],
    words: npt.NDArray[np.uint32],
    log_probs: npt.NDArray[np.float32],
    backoffs: npt.NDArray[np.float32],
    begins: npt.NDArray[np.int64],
    links: npt.NDArray[np.int32] | None = None,
) -> bool:
    """Whether the tree of an n-gram model is whole and its values are numbers.

    Parameters
    ----------
    sizes : n-grams of each order, the lowest first; the first is the size of the vocabulary
    words, log_probs, backoffs, begins, links : as in `ctc.ngram.NGramArrays`

    Returns
    -------
    bool
        False where words are outside the vocabulary or not in order below a node, where the children of nodes do not
        follow one another, where those of one order are not the next order, where a link does not lead to a shorter
        n-gram that ends in the same word, or where a value is not finite.
    """
    return (
        _levels_follow(sizes, begins)
        and all(np.isfinite(values[part]).all() for values in (log_probs, backoffs) for part in _blocks(len(values)))
        and _words_rise(sizes[0], words, begins)
        and (links is None or _links_shorten(sizes, words, links))
    )


def _blocks(size: int) -> Iterator[slice]:
    """Parts of so many values."""
    return (slice(start, min(start + _BLOCK, size)) for start in range(0, size, _BLOCK))


def _levels_follow(sizes: Sequence[int], begins: npt.NDArray[np.int64]) -> bool:
    """Whether begins never fall, and lead from the first node of each order to that of the next."""
    firsts = np.cumsum([0, 1, *sizes])
    if not np.array_equal(begins[firsts[:-1]], firsts[1:]):
        return False
    return all((begins[part][1:] >= begins[part][:-1]).all() for part in _overlapping(len(begins)))


def _words_rise(num_words: int, words: npt.NDArray[np.uint32], begins: npt.NDArray[np.int64]) -> bool:
    """Whether single words are all there in order, and others in the vocabulary and rising below each node."""
    if not np.array_equal(words[1 : 1 + num_words], np.arange(num_words)):
        return False
    for part in _overlapping(len(words)):
        block = words[part]
        if block.max() >= num_words:
            return False
        good = block[1:] > block[:-1]
        first, last = np.searchsorted(begins, (part.start + 1, part.stop))
        good[begins[first:last] - (part.start + 1)] = True  # the first child of a node may be any word
        if not good.all():
            return False
    return True


def _links_shorten(sizes: Sequence[int], words: npt.NDArray[np.uint32], links: npt.NDArray[np.int32]) -> bool:
    """Whether single words link to the root, and longer n-grams to lower orders, to nodes of the same word."""
    longer = 1 + sizes[0]
    if links[:longer].any():
        return False
    for first, size in zip(np.cumsum([longer, *sizes[1:-1]]), sizes[1:-1], strict=False):
        for part in _blocks(size):
            found, own = links[first:][part], words[first:][part]
            if found.min() < 1 or found.max() >= first or not np.array_equal(words[found], own):
                return False
    return True


def _overlapping(size: int) -> Iterator[slice]:
    """Parts as `_blocks`, each with the value that comes after it."""
    return (slice(part.start, min(part.stop + 1, size)) for part in _blocks(size))
