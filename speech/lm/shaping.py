"""Mixing models, and pruning one to a size: both choose n-grams and their probabilities; back-off weights follow.

Stolcke, "Entropy-based pruning of backoff language models", DARPA Broadcast News Workshop 1998, equations 3 to 6.
"""

import math
from collections.abc import Sequence

import numpy as np

from ctc.compilation import jit_cached
from ctc.ngram import BEGIN_ID, END_ID, UNKNOWN_ID, Level, NGram, score_word
from speech.errors import ConfigError

LOWEST_LOG10 = -99.0
"""Stands for the logarithm of a weight or probability of 0."""


def mix(models: Sequence[NGram], weights: Sequence[float]) -> NGram:
    """Interpolate models linearly into one.

    Its n-grams are those of any model, with exactly the mixed probability; where none of them has one it backs off,
    which differs a little from mixing scores at run time.

    Parameters
    ----------
    models : sequence of NGram
        Vocabularies may differ: a model gives words it lacks the probability 0, as far as another has them.
    weights : sequence of float
        One a model, 0 or more, sum 1.
    """
    if len(models) != len(weights) or not models or not min(weights) >= 0 or not abs(sum(weights) - 1) <= 1e-6:
        raise ConfigError(f"weights must be one a model, 0 or more, and add up to 1, got {list(weights)}")
    first = list(models[0].vocabulary)
    vocabulary = tuple(dict.fromkeys([*first, *(word for model in models[1:] for word in model.vocabulary[3:])]))
    ids = {word: k for k, word in enumerate(vocabulary)}
    from_own = [np.array([ids[word] for word in model.vocabulary], np.uint32) for model in models]
    to_own = [model.encode(vocabulary) for model in models]
    levels = []
    parts = [model.levels() for model in models]
    for order in range(1, max(model.order for model in models) + 1):
        own = [
            own_ids[part[order - 1].grams] for own_ids, part in zip(from_own, parts, strict=True) if len(part) >= order
        ]
        grams = np.unique(np.concatenate(own), axis=0)
        probs = np.zeros(len(grams))
        for model, own_ids, weight in zip(models, to_own, weights, strict=True):
            scores = np.empty(len(grams))
            score_grams(model.arrays, np.ascontiguousarray(own_ids[grams]), model.begin_state, scores)
            lacks = (own_ids[grams[:, -1]] == UNKNOWN_ID) & (grams[:, -1] != UNKNOWN_ID)
            probs += weight * np.where(lacks, 0.0, 10.0**scores)
        with np.errstate(divide="ignore"):
            log_probs = np.maximum(np.log10(probs), LOWEST_LOG10)
        if order == 1:
            log_probs[BEGIN_ID] = 0.0
        levels.append(Level(grams, log_probs, np.zeros(len(grams))))
    return _normalised(NGram.from_levels(vocabulary, levels))


def prune(model: NGram, threshold: float) -> NGram:
    """Drop the n-grams without which the perplexity rises least.

    Parameters
    ----------
    model : NGram
    threshold : float
        Relative rise of the model's own perplexity up to which an n-gram is dropped, 1e-9 to 1e-7 in practice.
    """
    if not 0 <= threshold < math.inf:
        raise ConfigError(f"threshold must be 0 or more, got {threshold}")
    keep = np.ones(len(model.arrays.words), dtype=np.bool_)
    mark_kept(model.arrays, math.log1p(threshold), keep)
    levels, first = [], 1
    for level, size in zip(model.levels(), model.level_sizes, strict=True):
        kept = keep[first : first + size]
        levels.append(Level(level.grams[kept], level.log_probs[kept], level.backoffs[kept]))
        first += size
    while len(levels) > 1 and not len(levels[-1].grams):
        levels.pop()
    return _normalised(NGram.from_levels(model.vocabulary, levels))


def limit_vocabulary(model: NGram, max_words: int) -> NGram:
    """Keep the most probable words, to which the probability of the others goes; <unk> stands for these.

    Up to 65,533 words take half the room in quantised files.
    """
    if max_words < 1:
        raise ConfigError(f"max_words must be 1 or more, got {max_words}")
    num_words = len(model.vocabulary)
    log_probs = model.arrays.log_probs[1 : 1 + num_words].astype(np.float64)
    ranked = 3 + np.argsort(-log_probs[3:], kind="stable")[:max_words]
    kept_ids = np.sort(np.append([0, 1, 2], ranked))
    new_ids = np.full(num_words, -1, np.int64)
    new_ids[kept_ids] = np.arange(len(kept_ids))
    predicted = np.delete(kept_ids, BEGIN_ID)
    share = np.log10((10.0 ** log_probs[predicted]).sum())
    levels = []
    for order, level in enumerate(model.levels(), 1):
        grams = new_ids[level.grams]
        kept = (grams >= 0).all(axis=1)
        values = level.log_probs[kept].astype(np.float64)
        if order == 1:
            values[:BEGIN_ID] -= share
            values[BEGIN_ID + 1 :] -= share
        levels.append(Level(grams[kept].astype(np.uint32), values, level.backoffs[kept]))
    return _normalised(NGram.from_levels(tuple(model.vocabulary[k] for k in kept_ids), levels))


def _normalised(model: NGram) -> NGram:
    """The model with back-off weights by which every context sums to one."""
    arrays = model.arrays._replace(backoffs=np.zeros_like(model.arrays.backoffs))
    normalise(arrays)
    return NGram(model.vocabulary, model.level_sizes, arrays)


@jit_cached
def score_grams(lm, grams, begin_state, scores):
    """Write log10 of the last word of each gram [N, n] given the ones before."""
    for i in range(len(grams)):
        state = np.int64(0)
        for k in range(grams.shape[1] - 1):
            word = grams[i, k]
            if word == BEGIN_ID:
                state = np.int64(begin_state)
            else:
                _, state = score_word(lm, state, word)
        scores[i], _ = score_word(lm, state, grams[i, grams.shape[1] - 1])


@jit_cached
def normalise(lm):
    """Write the back-off weights; shorter contexts come first, so theirs are known."""
    for node in range(1, len(lm.links)):
        first, last = lm.begins[node], lm.begins[node + 1]
        if first == last:
            continue
        left, left_below = 1.0, 1.0
        for child in range(first, last):
            left -= 10.0 ** np.float64(lm.log_probs[child])
            below, _ = score_word(lm, lm.links[node], lm.words[child])
            left_below -= 10.0**below
        if left > 1e-9 and left_below > 1e-9:
            lm.backoffs[node] = math.log10(left / left_below)
        else:
            lm.backoffs[node] = -99.0 if left <= 1e-9 else 0.0


@jit_cached
def mark_kept(lm, threshold, keep):
    """Write whether each node is worth keeping; nodes with kept children always are."""
    num_inner = len(lm.links)
    ln10 = math.log(10.0)
    histories = np.zeros(num_inner)  # log of the probability of each context
    for node in range(num_inner):
        for child in range(lm.begins[node], lm.begins[node + 1]):
            if child < num_inner:
                own = np.float64(lm.log_probs[child]) * ln10
                if child == 1 + BEGIN_ID:
                    own = np.float64(lm.log_probs[1 + END_ID]) * ln10  # sentences begin as often as they end
                histories[child] = histories[node] + own
    for node in range(num_inner - 1, 0, -1):
        first, last = lm.begins[node], lm.begins[node + 1]
        left, left_below = 1.0, 1.0
        for child in range(first, last):
            left -= 10.0 ** np.float64(lm.log_probs[child])
            below, _ = score_word(lm, lm.links[node], lm.words[child])
            left_below -= 10.0**below
        left, left_below = max(left, 1e-9), max(left_below, 1e-9)
        for child in range(first, last):
            if child < num_inner:
                has_children = False
                for grandchild in range(lm.begins[child], lm.begins[child + 1]):
                    has_children = has_children or keep[grandchild]
                if has_children:
                    continue
            log_prob = np.float64(lm.log_probs[child]) * ln10
            below, _ = score_word(lm, lm.links[node], lm.words[child])
            prob = math.exp(log_prob)
            weight = math.log((left + prob) / (left_below + 10.0**below))
            change = prob * (below * ln10 + weight - log_prob) + left * (weight - math.log(left / left_below))
            keep[child] = -math.exp(histories[node]) * change > threshold
