"""Phones by way of words: votes, and a search of two words with three phones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctc import BeamDecoder
from speech.decoding import Decoding, DecodingConfig
from speech.phone_consensus import PhoneConsensus, consensus, fits

TOKENS = ["<blank>", "A", "B", "C"]


def labels_of(sequences, votes):
    return [label for label, _ in consensus(sequences, votes)]


def test_each_place_goes_to_most_votes():
    assert labels_of([(1, 2, 3), (1, 2, 4), (1, 5, 4)], [0.4, 0.3, 0.3]) == [1, 2, 4]


def test_what_most_insert_is_inserted_and_what_most_leave_out_is_left_out():
    assert labels_of([(1, 3), (1, 2, 3), (1, 2, 3, 4)], [0.4, 0.35, 0.25]) == [1, 2, 3]
    assert labels_of([(1, 2, 3), (1, 3), (3,)], [0.4, 0.35, 0.25]) == [1, 3]


def test_shares_are_those_of_the_votes():
    found = consensus([(1, 2), (1, 3), (1, 2)], [0.2, 0.5, 0.3])
    assert found[0] == (1, pytest.approx(1.0))
    assert [share for _, share in found] == pytest.approx([1.0, 0.5])


def test_nothing_may_win():
    assert consensus([(), (1,)], [0.6, 0.4]) == []


sequences = st.lists(st.lists(st.integers(1, 4), max_size=6).map(tuple), min_size=1, max_size=6)


@given(sequences)
def test_a_clear_majority_is_the_consensus(others):
    share = 0.4 / len(others)
    assert labels_of([*others, (1, 2, 3)], [share] * len(others) + [0.6]) == [1, 2, 3]


@given(sequences)
def test_shares_are_probabilities(all_sequences):
    found = consensus(all_sequences, [1 / len(all_sequences)] * len(all_sequences))
    assert all(0 < share <= 1 + 1e-9 for _, share in found)


def test_what_fits_into_frames():
    assert fits([1, 2, 1], 3)
    assert not fits([1, 1], 2)
    assert fits([1, 1], 3)
    assert fits([], 0)


def search(step_s=0.02):
    decoder = BeamDecoder(TOKENS, lexicon={"ab": ["A B"], "cb": ["C B"]}, beam_size=8)
    return PhoneConsensus(Decoding(("phone",), decoder, DecodingConfig(candidates=4), step_s, len(TOKENS)), TOKENS)


def test_phones_are_those_of_likely_words_with_their_times():
    """C and B are heard; of the two words with B, C is part of one. B began where C ended."""
    probs = np.full((12, 4), 0.01, np.float32)
    probs[:, 0] = 0.97
    probs[5] = [0.02, 0.38, 0.01, 0.59]
    probs[7] = [0.02, 0.01, 0.96, 0.01]
    found = search().best(np.log(probs))
    assert [word.text for word in found] == ["C", "B"]
    assert [(word.start_frame, word.end_frame) for word in found] == [(1, 6), (6, 8)]
    assert 0.5 < found[0].confidence < 0.8 < found[1].confidence <= 1.0


def test_silence_has_no_phones():
    probs = np.full((6, 4), 1e-6, np.float32)
    probs[:, 0] = 1 - 3e-6
    assert search().best(np.log(probs)) == []


def test_no_frames_have_no_phones():
    assert search().best(np.zeros((0, 4), np.float32)) == []
