"""The best path in one view and in several."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from ctc import greedy_decode, sequence_log_probs
from speech.best_path import BestPath, likeliest, places_to_cut
from speech.checkpoint import with_hop
from speech.chunks import ChunkConfig
from speech.errors import ConfigError
from speech.transcribe import Transcriber
from tests.speech.test_decoding import CHARACTERS, heard, phone_model, text_of, tone_model
from tests.speech.test_transcribe import random_text
from tests.speech.tone_model import RATE_HZ, say


def spelt(text: str) -> tuple[int, ...]:
    return tuple(CHARACTERS.ids[character] for character in text)


def test_views_that_agree_are_read_as_one():
    assert likeliest([heard("the cat")] * 3) == spelt("the cat")
    assert likeliest([np.log(np.full((5, 3), [0.8, 0.1, 0.1], np.float32))] * 2) == ()


def test_each_view_is_believed_where_it_is_surer():
    sure, unsure = heard("the cat sat", strength=8.0), heard("tha cet sut", strength=2.5)
    middle = len(sure) // 2
    views = np.concatenate([sure[:middle], unsure[middle:]]), np.concatenate([unsure[:middle], sure[middle:]])
    for view in views:
        assert "".join(CHARACTERS.symbols[token.label] for token in greedy_decode(torch.from_numpy(view)[None])[0]) != (
            "the cat sat"
        )
    assert likeliest(views) == spelt("the cat sat")


@pytest.mark.parametrize("seed", range(5))
def test_no_best_path_is_likelier(seed):
    random = np.random.default_rng(seed)
    views = [torch.from_numpy(3 * random.standard_normal((40, 6))).float().log_softmax(1).numpy() for _ in range(3)]
    paths = [tuple(token.label for token in greedy_decode(torch.from_numpy(view)[None])[0]) for view in views]
    found, *best = np.mean([sequence_log_probs(view, [likeliest(views), *paths]) for view in views], axis=0)
    assert found >= max(best)


def test_frames_are_cut_where_they_are_surely_blank_or_most_so():
    log_blank = np.full(2000, np.log(0.01), np.float32)
    log_blank[[20, 160, 170, 700]] = np.log([0.99, 0.95, 0.99, 0.3])
    assert places_to_cut(log_blank)[:2] == [160, 700]
    assert all(start + 150 <= end <= start + 600 for start, end in itertools.pairwise(places_to_cut(log_blank)))
    assert places_to_cut(log_blank[:20]) == places_to_cut(log_blank[:0]) == []


def test_words_of_views_have_their_places_and_confidences():
    model = tone_model()
    reader = dataclasses.replace(BestPath.of_model(model), num_views=2)
    sure = heard("the cat sat")
    scores = np.hstack([sure, sure])
    assert text_of(reader, scores) == "the cat sat"
    alone, together = BestPath.of_model(model).stream(), reader.stream()
    alone.push(sure)
    together.push(scores)
    times_s = np.arange(len(sure) + 1) * 0.04
    for ours, theirs in zip(together.words(times_s), alone.words(times_s), strict=True):
        assert (ours.text, ours.start_s, ours.end_s) == (theirs.text, theirs.start_s, theirs.end_s)
        assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-5)


@pytest.mark.parametrize("views", [1, 2])
def test_long_recordings_keep_every_word(views):
    model = tone_model()
    model.card["best_path"] = {"views": views}
    text = random_text(150, 3)
    chunks = ChunkConfig(window_s=8.0, overlap_s=3.0, margin_s=0.6)
    assert Transcriber(model, chunks=chunks).transcribe(say(text), RATE_HZ).text == text


def test_silence_has_no_words():
    model = tone_model()
    model.card["best_path"] = {"views": 2}
    assert Transcriber(model).transcribe(np.zeros(5 * RATE_HZ, np.float32), RATE_HZ).words == ()


def test_settings_that_cannot_be():
    model = tone_model()
    model.card["best_path"] = {"views": 9}
    with pytest.raises(ConfigError, match="views must be 1 to 8"):
        Transcriber(model)
    model.card["best_path"] = {"view": 2}
    with pytest.raises(ConfigError, match="views"):
        Transcriber(model)
    framewise = phone_model(framewise=True)
    framewise.card["best_path"] = {"views": 2}
    with pytest.raises(ConfigError, match="labels every frame"):
        Transcriber(framewise)
    with pytest.raises(ConfigError, match="no whole number of samples"):
        with_hop(model, 0.00851)
