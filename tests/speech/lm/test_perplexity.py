"""Perplexity: what is counted, and text that cannot be."""

import math

import pytest

from ctc.ngram import NGram, unigrams
from speech.errors import CorpusError
from speech.lm import EstimationConfig, estimate, perplexity


def test_perplexity_by_hand():
    model = NGram.from_levels(("<unk>", "<s>", "</s>", "a"), [unigrams([-2.0, 0.0, -0.5, -0.25])])
    found = perplexity(model, ["a a", "", "b"])
    assert (found.num_sentences, found.num_words, found.num_unknown) == (2, 3, 1)
    assert found.with_unknown == pytest.approx(10 ** (3.5 / 5))
    assert found.without_unknown == pytest.approx(10 ** (1.5 / 4))


def test_what_no_number_holds_is_infinite():
    model = NGram.from_levels(("<unk>", "<s>", "</s>"), [unigrams([-700.0, 0.0, -0.5])])
    assert perplexity(model, ["a"]).with_unknown == math.inf


@pytest.mark.parametrize("line", ["<s> a", "a </s>"])
def test_marked_ends_are_no_words(line):
    model = estimate(["a b"], EstimationConfig(order=2, discount_fallback=True))
    with pytest.raises(CorpusError, match="line 3 of the text holds </?s> as a word"):
        perplexity(model, ["a", "", line])
    assert perplexity(model, ["a <unk>"]).num_unknown == 1
