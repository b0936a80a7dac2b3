"""Mixing and pruning: contexts still sum to one, and nothing else changes than should."""

import math

import numpy as np
import pytest

from ctc.ngram import score_word
from speech.errors import ConfigError
from speech.lm import EstimationConfig, estimate, perplexity
from speech.lm.shaping import limit_vocabulary, mix, prune
from tests.speech.lm.test_kneser_ney import random_text

TEXTS = [[" ".join(words) for words in random_text(seed, num_words=n)] for seed, n in ((0, 9), (1, 14))]
CONFIG = EstimationConfig(order=3, discount_fallback=True)


def check_sums(model):
    for state in range(len(model.arrays.links)):
        probs = [
            10.0 ** score_word(model.arrays, state, np.uint32(w))[0] for w in range(len(model.vocabulary)) if w != 1
        ]
        assert sum(probs) == pytest.approx(1.0, abs=1e-4)


def test_mixture():
    first, second = (estimate(text, CONFIG) for text in TEXTS)
    mixed = mix([first, second], [0.3, 0.7])
    check_sums(mixed)
    words = ["w0", "w1", "w2"]
    ours, one, two = (10.0 ** model.word_scores(words[:1]) for model in (mixed, first, second))
    np.testing.assert_allclose(ours[0], 0.3 * one[0] + 0.7 * two[0], rtol=1e-4)
    assert mixed.vocabulary.count("w13") == 1
    same = mix([first, second], [1.0, 0.0])
    assert perplexity(same, TEXTS[0]).with_unknown == pytest.approx(perplexity(first, TEXTS[0]).with_unknown, rel=1e-3)
    with pytest.raises(ConfigError, match="add up to 1"):
        mix([first, second], [0.5, 0.6])


def test_pruning():
    model = estimate(TEXTS[1], CONFIG)
    sizes, values = [], []
    for threshold in (0.0, 1e-4, 1e-2, 1e3):
        pruned = prune(model, threshold)
        check_sums(pruned)
        sizes.append(sum(pruned.level_sizes))
        values.append(perplexity(pruned, TEXTS[1]).with_unknown)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == len(model.vocabulary)
    assert values[1] < values[-1]


def test_limited_vocabulary():
    model = limit_vocabulary(estimate(TEXTS[1], CONFIG), 5)
    check_sums(model)
    assert len(model.vocabulary) == 8
    assert "w0" in model.vocabulary
    with pytest.raises(ConfigError, match="max_words"):
        limit_vocabulary(model, 0)


@pytest.mark.parametrize("weights", [(0.5, 0.4), (1.5, -0.5), (1.0,), (0.5, math.nan), (math.nan, 0.5)])
def test_weights_that_mix_nothing_are_refused(weights):
    models = [estimate(["a b"], EstimationConfig(order=1, discount_fallback=True))] * 2
    with pytest.raises(ConfigError, match="weights must be one a model"):
        mix(models, weights)
