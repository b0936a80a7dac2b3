"""What fell to others of the same future comes back among the n best."""

import math

import numpy as np
import pytest

from ctc import beam_stream
from ctc.beam import BeamDecoder
from ctc.beam_times import time_tokens
from ctc.loss import sequence_log_probs
from ctc.reference import loss_and_gradient
from tests.ctc.test_beam import PHONES, lexicon_model, random_scores
from tests.ctc.test_beam_alternatives import LEXICON, SETTINGS, said


def decoder(**settings):
    return BeamDecoder(PHONES, lexicon_model(), LEXICON, **SETTINGS, **settings)


def found(scores, n_best, **settings):
    return {one.text: one for one in decoder(**settings).decode(scores, n_best=n_best)}


@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_an_exhaustive_search_are_recalled_with_their_scores(seed):
    scores = said(seed, peak=5.0)[:14]
    exact = found(scores, 8, beam_size=3000, beam_threshold=60.0)
    recalled = found(scores, 200, beam_size=400, alternatives=1, merge_threshold=12.0)
    few = found(scores, 200, beam_size=400, alternatives=1)
    missing = [text for text in exact if text not in recalled]
    assert len(missing) <= 1
    assert sum(text in recalled for text in exact) >= sum(text in few for text in exact)
    assert len(recalled) > len(few)
    for text in exact.keys() & recalled.keys():
        assert recalled[text].score == pytest.approx(exact[text].score, abs=1e-3)
        assert recalled[text].lm_score == pytest.approx(exact[text].lm_score, abs=1e-9)
        assert recalled[text].bonus == pytest.approx(exact[text].bonus, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_of_all_paths_and_texts_differ(seed):
    scores = random_scores(seed, 25, len(PHONES), scale=2.0)
    several = decoder(beam_size=50, alternatives=1, merge_threshold=8.0).decode(scores, n_best=20)
    assert len({one.text for one in several}) == len(several) == 20
    assert [one.score for one in several] == sorted((one.score for one in several), reverse=True)
    for one in several:
        loss, _ = loss_and_gradient(scores, np.array([token.label for token in one.tokens]), 0)
        assert one.acoustic_score == pytest.approx(-loss, abs=1e-4)
        assert " ".join(word.text for word in one.words) == one.text


@pytest.mark.parametrize("num_frames", [3, 5, 8])
def test_what_needs_more_frames_is_left_out(num_frames):
    for seed in range(20):
        scores = random_scores(seed, num_frames, len(PHONES), scale=3.0)
        scores[:, 0] -= 4.0
        for one in decoder(beam_size=50, alternatives=1, merge_threshold=8.0).decode(scores, n_best=50):
            assert math.isfinite(one.score)
            assert all(token.start_frame < token.end_frame for token in one.tokens)


@pytest.mark.parametrize("seed", range(5))
def test_times_are_those_of_the_most_likely_path(seed):
    scores = random_scores(seed, 40, len(PHONES), scale=2.0)
    for one in decoder(beam_size=50, alternatives=1, merge_threshold=8.0).decode(scores, n_best=30):
        labels = np.array([token.label for token in one.tokens])
        free = time_tokens(scores.astype(np.float32), labels, np.zeros(len(labels), np.int64), 0, False)
        assert [(token.start_frame, token.end_frame) for token in one.tokens] == [
            (token.start_frame, token.end_frame) for token in free
        ]


def test_in_pieces_and_with_little_room_as_at_once(monkeypatch):
    scores = random_scores(5, 60, len(PHONES), scale=2.0)
    settings = {"beam_size": 30, "alternatives": 1, "merge_threshold": 8.0}
    whole = decoder(**settings).decode(scores, n_best=30)
    monkeypatch.setattr(beam_stream, "_FIRST_NODES", 1)
    stream = decoder(**settings).stream()
    for start in range(0, len(scores), 7):
        stream.push(scores[start : start + 7])
        stream._make_room()
    assert stream.finish(30) == whole


def test_a_threshold_of_zero_changes_nothing():
    scores = random_scores(3, 30, len(PHONES), scale=2.0)
    plain = decoder(beam_size=50, alternatives=1).decode(scores, n_best=10)
    assert decoder(beam_size=50, alternatives=1, merge_threshold=0.0).decode(scores, n_best=10) == plain
    best = decoder(beam_size=50, alternatives=1, merge_threshold=8.0).decode(scores)
    assert best == plain[:1]


@pytest.mark.parametrize(
    "settings",
    [{"merge_threshold": 5.0}]
    + [{"merge_threshold": value, "alternatives": 1} for value in (-1.0, math.inf, math.nan)]
    + [{"merge_threshold": 5.0, "alternatives": 1, "framewise": True, "blank": -1}],
)
def test_what_cannot_be_recalled_is_refused(settings):
    with pytest.raises(ValueError, match="merge_threshold must be 0 to 700"):
        decoder(**settings)


def test_sequences_of_any_length_given_the_same_frames():
    scores = random_scores(1, 6, 4)
    sequences = [[], [1], [1, 2, 3], [1, 1, 1, 1]]
    expected = [-loss_and_gradient(scores, np.array(labels, np.int64), 0)[0] for labels in sequences]
    np.testing.assert_allclose(sequence_log_probs(scores, sequences), expected, rtol=1e-5)
    assert sequence_log_probs(scores, sequences)[3] == -np.inf
    assert sequence_log_probs(scores, []).shape == (0,)
