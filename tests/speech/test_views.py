"""Views of a recording: features that begin later, outputs side by side, hypotheses that every view has heard."""

import numpy as np
import pytest
import torch

from ctc import sequence_log_probs
from speech.checkpoint import LoadedModel, build
from speech.decoding import DecodingConfig, build_decoding
from speech.errors import ConfigError
from speech.frontend import FrontendConfig
from speech.lexicon import Lexicon
from speech.lm import EstimationConfig, estimate
from speech.models import HeadConfig, ModelConfig
from speech.pronunciations import DecodingLexicon
from speech.tempo import pace_of
from speech.transcribe import Transcriber
from speech.units import build_units
from speech.views import candidates_of_all, shifted, shifts_of
from tests.speech.test_decoding import CHARACTERS, heard, phone_model, phone_scores, text_of, tone_model
from tests.speech.test_transcribe import RATE_HZ, restless

SENTENCES = ["the cat sat on the mat", "the dog sat on the cat", "a cat and a dog", "the mat and the dog"] * 3


@pytest.fixture(scope="module")
def lm():
    return estimate(SENTENCES, EstimationConfig(order=2, discount_fallback=True))


def test_views_spread_evenly_over_a_step():
    assert [shifts_of(num_views, 8) for num_views in (1, 2, 3, 8)] == [
        (0,),
        (0, 4),
        (0, 4, 2),
        (0, 4, 2, 6, 1, 5, 3, 7),
    ]


@pytest.mark.parametrize("step_frames", range(1, 9))
def test_no_view_comes_twice(step_frames):
    shifts = shifts_of(step_frames, step_frames)
    assert sorted(shifts) == list(range(step_frames))
    assert all(shifts_of(few, step_frames) == shifts[:few] for few in range(1, step_frames))


@pytest.mark.parametrize(("num_views", "step_frames"), [(2, 1), (4, 3), (8, 7)])
def test_more_views_than_frames_in_a_step_are_refused(num_views, step_frames):
    with pytest.raises(ConfigError, match=f"takes {step_frames} frames a step"):
        shifts_of(num_views, step_frames)


def test_a_view_begins_later():
    features = torch.arange(20.0).reshape(10, 2)
    torch.testing.assert_close(shifted(features, 4), features[4:])
    assert torch.equal(shifted(features, 0), features)
    assert shifted(features[:4], 4).tolist() == [[0.0, 0.0]]


def untrained() -> LoadedModel:
    torch.manual_seed(3)
    config = ModelConfig(subsampling_factor=8, conv_channels=16, num_layers=1, width=24, output_frames=3)
    heads = {"character": HeadConfig(), "phone": HeadConfig(units="phone")}
    return build(FrontendConfig(), config, heads, {name: build_units(name) for name in heads})


class Reader:
    """Reads what a search would."""

    unit, heads = "word", ("phone", "character")

    def __init__(self, num_views: int):
        self.num_views = num_views


def test_what_a_view_has_no_frames_for_is_rest():
    listener = Transcriber(untrained(), decoding=Reader(2)).listener
    samples = listener.tempo.own.frontend.config.hop_samples * 17 + 240  # 17 frames, and 13: 3 steps and 2
    [log_probs] = listener.log_probs([restless(samples / RATE_HZ, 1)], [listener.tempo.own])
    phones, later, characters, later_characters = np.split(log_probs, [40, 80, 109], axis=1)
    assert all(np.isfinite(view).all() for view in (phones, characters, later[:6], later_characters[:6]))
    for view in (later[6:], later_characters[6:]):
        assert np.exp(view[:, 0]).tolist() == [1.0] * 3
        assert np.isneginf(view[:, 1:]).all()


def test_outputs_of_views_stand_side_by_side_and_depend_on_nothing_beside_them():
    loaded = untrained()
    one, two = (Transcriber(loaded, decoding=Reader(num_views)) for num_views in (1, 2))
    pace = pace_of(loaded)
    waveforms = [restless(duration_s, seed) for seed, duration_s in enumerate((2.0, 1.43, 0.07, 0.03))]
    for waveform, plain, both in zip(
        waveforms,
        one.listener.log_probs(waveforms, [pace] * 4),
        two.listener.log_probs(waveforms, [pace] * 4),
        strict=True,
    ):
        phones, later, characters, _ = np.split(both, [40, 80, 109], axis=1)
        np.testing.assert_allclose(np.hstack([phones, characters]), plain, atol=1e-5)
        np.testing.assert_allclose(both, two.listener.log_probs([waveform], [pace])[0], atol=1e-4)
        cut = waveform[4 * loaded.frontend.config.hop_samples :]
        if len(cut) > RATE_HZ:
            alone = one.listener.log_probs([cut], [pace])[0][:, :40]
            np.testing.assert_allclose(later[: len(alone)], alone, atol=1e-3)
            assert np.exp(later[len(alone) :, 0]).tolist() == [1.0] * (len(later) - len(alone))
    np.testing.assert_array_equal(np.flatnonzero(two.listener.silence(RATE_HZ, pace)[0] == 0.0), [0, 40, 80, 109])


def streams_of(decoding, *views: np.ndarray):
    streams = [decoding.decoder.stream() for _ in views]
    for stream, view in zip(streams, views, strict=True):
        stream.push(view)
    return streams


def test_the_same_view_twice_is_one_view(lm):
    decoding = build_decoding(tone_model(), DecodingConfig(), lm)
    scores = heard("the cot sat")
    (single,) = streams_of(decoding, scores)
    assert candidates_of_all(streams_of(decoding, scores, scores), 9) == candidates_of_all([single], 9)


def test_what_one_view_misses_another_finds_and_all_are_heard(lm):
    decoding = build_decoding(tone_model(), DecodingConfig(), lm)
    views = heard("the cat sat", strength=2.5), heard("the mat sat", strength=5.0)
    alone = [candidates_of_all([stream], 3)[0].text for stream in streams_of(decoding, *views)]
    assert alone == ["the cat sat", "the mat sat"]
    joined = candidates_of_all(streams_of(decoding, *views), 3)
    assert joined[0].text == "the mat sat"
    assert len({one.labels for one in joined}) == len(joined) == 3
    prior = decoding.decoder.search.log_prior
    for one in joined:
        expected = np.mean([sequence_log_probs(view, [one.labels], 0, prior) for view in views])
        assert one.acoustic_score == pytest.approx(expected, abs=0.1)  # searches leave some paths out
        weighed = np.log(10) * decoding.config.lm_weight * one.lm_score
        assert one.score == pytest.approx(one.acoustic_score + weighed + one.bonus, abs=1e-4)


def test_words_of_several_views_are_written(lm):
    scores = np.hstack([heard("the cat sat", strength=2.5), heard("the mat sat", strength=5.0)])
    decoding = build_decoding(tone_model(), DecodingConfig(views=2), lm)
    assert text_of(decoding, scores) == "the mat sat"


def test_a_second_head_is_heard_in_all_views():
    lm = estimate(["read the", "red the"] * 5, EstimationConfig(order=1, discount_fallback=True))
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    decoding = build_decoding(
        phone_model(framewise=False), DecodingConfig(head="phone", second_head="x", views=2), lm, lexicon=lexicon
    )
    phones = phone_scores("R EH D", build_units("phone"), framewise=False)
    sure, unsure = (np.zeros((len(phones), len(CHARACTERS)), np.float32) for _ in range(2))
    for view, word, strength in ((unsure, "red", 2.0), (sure, "read", 6.0)):
        said = heard(word, strength=strength)
        view[:, 1:] = -8.0
        view[: len(said)] = said[: len(view)]
    for views in ((unsure, sure), (sure, unsure)):
        assert text_of(decoding, np.hstack([phones, phones, *views])) == "read"


@pytest.mark.parametrize("views", [0, 9])
def test_numbers_of_views_that_cannot_be(views):
    with pytest.raises(ValueError, match="views must be 1 to 8"):
        DecodingConfig(views=views)


def test_labels_of_every_frame_are_heard_in_one_view_only(lm):
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    config = DecodingConfig(head="phone", prior_scale=0.0, views=2)
    with pytest.raises(ConfigError, match="'phone' labels every frame"):
        build_decoding(phone_model(framewise=True), config, lm, lexicon=lexicon)
