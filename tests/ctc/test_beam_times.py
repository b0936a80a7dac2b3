"""Times of tokens: those of the most likely path, however long the recording."""

import itertools

import numpy as np
import pytest
import torch

from ctc import forced_align
from ctc.beam import BeamDecoder
from ctc.beam_times import CHUNK_TOKENS, time_tokens


def path_of(tokens, num_frames, blank=0):
    """Unit of each frame."""
    path = np.full(num_frames, blank)
    for token in tokens:
        path[token.start_frame : token.end_frame] = token.label
    return path


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("frames", "units", "beam_size"), [(1000, 4, 8), (3000, 2, 64)])
def test_long_hypotheses_are_timed_by_their_most_likely_path(seed, frames, units, beam_size):
    """With one label alone, the search meets tokens some 40 tokens earlier or later than they were said."""
    scores = 2.0 * np.random.default_rng(seed).standard_normal((frames, units)).astype(np.float32)
    log_probs = torch.from_numpy(scores).double().log_softmax(1)
    for one in BeamDecoder(["<blank>", "a", "b", "c"][:units], beam_size=beam_size).decode(scores, n_best=3):
        labels = [token.label for token in one.tokens]
        assert len(labels) > CHUNK_TOKENS
        best, _ = forced_align(log_probs[None], [labels])
        assert path_of(one.tokens, len(scores)).tolist() == best[0].tolist()


def test_equal_tokens_are_parted_where_chunks_meet():
    """Though a blank is unlikely."""
    labels, scores = np.full(600, 1), np.tile(np.float32([0.0, 9.0]), (1400, 1))
    tokens = time_tokens(scores, labels, 2 * np.arange(600), 0, False)
    assert len(tokens) == 600
    for before, after in itertools.pairwise(tokens):
        assert before.start_frame < before.end_frame < after.start_frame < after.end_frame <= 1400


@pytest.mark.parametrize("met", [0, 300])
def test_tokens_may_come_later_than_they_were_met(met):
    """So do those of prefixes that were recalled."""
    random = np.random.default_rng(0)
    labels, scores = 1 + np.arange(700) % 3, random.standard_normal((900, 4)).astype(np.float32)
    best, _ = forced_align(torch.from_numpy(scores).double().log_softmax(1)[None], [labels])
    assert path_of(time_tokens(scores, labels, np.full(700, met), 0, False), 900).tolist() == best[0].tolist()
