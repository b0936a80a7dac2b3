"""Pieces of several hypotheses: what is tried, and that nothing is lost by it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.recombination import differences, recombined

WORDS = st.lists(st.sampled_from("abcd"), max_size=8).map(tuple)


@given(WORDS, WORDS)
def test_differences_turn_one_sequence_into_the_other(ours, theirs):
    made, at = [], 0
    for start, end, their_start, their_end in differences(ours, theirs):
        made += [*ours[at:start], *theirs[their_start:their_end]]
        at = end
    assert tuple(made) + ours[at:] == theirs


@given(WORDS, WORDS)
def test_places_that_differ_do_not_touch(ours, theirs):
    found = differences(ours, theirs)
    assert all(end < start or below < above for (_, end, _, below), (start, _, above, _) in itertools.pairwise(found))


def score_by(target):
    """Sequences by the places in which they agree with a target of as many items."""
    return lambda sequences: np.array([float(sum(map(str.__eq__, one, target))) - len(one) for one in sequences])


def test_the_right_pieces_of_wrong_hypotheses_are_joined():
    others = [tuple("abxdzzz"), tuple("zzxdefg"), tuple("zzzdzzz")]
    best, gain = recombined(tuple("zzxdzzz"), others, score_by("abxdefg"))
    assert (best, gain) == (tuple("abxdefg"), 5.0)


def test_what_only_helps_alone_is_not_put_together():
    worth = {"abc": 0.0, "xbc": 2.0, "aby": 1.5, "xby": -1.0}
    best, gain = recombined(
        tuple("abc"), [tuple("xbc"), tuple("aby")], lambda tried: np.array([worth["".join(one)] for one in tried])
    )
    assert ("".join(best), gain) == ("xbc", 2.0)


@settings(max_examples=50)
@given(WORDS, st.lists(WORDS, max_size=4), st.integers(0, 9))
def test_nothing_is_lost(first, others, seed):
    def score(sequences):
        return np.array([np.random.default_rng((seed, *map(ord, one))).normal() for one in sequences])

    best, gain = recombined(first, others, score)
    assert gain >= 0
    assert score([best])[0] == pytest.approx(score([first])[0] + gain)
    if others:
        better = [other for other in others if len(differences(first, other)) == 1]
        assert all(score([best])[0] >= score([other])[0] for other in better)


def test_the_impossible_is_never_chosen():
    def score(tried):
        return np.array([0.0 if one == ("a",) else -np.inf for one in tried])

    assert recombined(("a",), [("b",), ()], score) == (("a",), 0.0)


def test_items_are_compared_by_their_key():
    def score(tried):
        return np.array([float(one[0][1]) for one in tried])

    assert recombined((("a", 1),), [(("a", 2),)], score, key=lambda item: item[0]) == ((("a", 1),), 0.0)
