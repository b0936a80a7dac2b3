"""Fast speech is heard in frames closer together."""

import numpy as np
import pytest

from speech.checkpoint import load
from speech.errors import ConfigError
from speech.loading import DEFAULT_MODEL
from speech.tempo import Tempo, TempoConfig, units_a_second
from speech.transcribe import Transcriber
from tests.speech.test_decoding import heard, tone_model
from tests.speech.test_transcribe import random_text
from tests.speech.tone_model import RATE_HZ, say


def model(*rates: float, hops_s: tuple[float, ...] = (0.010, 0.008)):
    loaded = tone_model()
    loaded.card["tempo"] = {"hops_s": list(hops_s), "rates": list(rates)}
    return loaded


def test_units_are_counted_while_somebody_speaks():
    said = heard("the cat sat")
    silence = np.log(np.full((50, said.shape[1]), 1e-4, np.float32))
    silence[:, 0] = 0.0
    assert units_a_second(said, 0.1) == pytest.approx(11 / (0.1 * (len(said) - 1)))
    assert units_a_second(np.concatenate([silence, said, silence]), 0.1) == pytest.approx(units_a_second(said, 0.1))
    assert units_a_second(silence, 0.1) == 0.0
    assert units_a_second(silence[:0], 0.1) == 0.0


def test_the_pace_follows_the_rate():
    said = heard("the cat sat")
    rate = units_a_second(said, tone_model().frame_step_s)
    for rates, hop_s in (((rate + 1, rate + 2), 0.012), ((rate - 1, rate + 1), 0.010), ((rate - 2, rate - 1), 0.008)):
        chosen = Tempo(model(*rates, hops_s=(0.012, 0.010, 0.008))).pace(said)
        assert chosen.frontend.config.hop_s == hop_s
    own = Tempo(tone_model())
    assert own.paces == (own.own,)


@pytest.mark.parametrize("least", [0.1, 1000.0])
def test_long_recordings_keep_every_word_and_its_time_at_any_pace(least):
    """The model of tones hears each frame by itself: another step changes neither words nor times."""
    text = random_text(60, 5)
    plain = Transcriber(tone_model()).transcribe(say(text), RATE_HZ)
    paced = Transcriber(model(least)).transcribe(say(text), RATE_HZ)
    assert paced.text == plain.text == text
    for ours, theirs in zip(paced.words, plain.words, strict=True):
        assert abs(ours.start_s - theirs.start_s) < 0.1
        assert abs(ours.end_s - theirs.end_s) < 0.1


def test_many_may_speak_in_long_recordings():
    transcriber = Transcriber(model(1000.0))
    short, long = (np.zeros(seconds * RATE_HZ, np.float32) for seconds in (30, 31))
    for waveform, hop_s in ((short, 0.010), (long, 0.008)):
        blocks = np.array_split(waveform, 4)
        pace, again = transcriber._pace(iter(blocks))
        assert pace.frontend.config.hop_s == hop_s
        np.testing.assert_array_equal(np.concatenate(list(again)), waveform)


def test_recordings_of_both_paces_go_together_and_depend_on_nothing_beside_them():
    loaded = load(DEFAULT_MODEL)
    assert len(loaded.card["tempo"]["hops_s"]) > 1
    transcriber = Transcriber(loaded)
    random = np.random.default_rng(0)
    tempo = transcriber.listener.tempo
    waveforms = [0.1 * random.standard_normal(n).astype(np.float32) for n in (16_000, 9_000, 12_000)]
    paces = [tempo.paces[0], tempo.paces[-1], tempo.paces[0]]
    together = transcriber.listener.log_probs(waveforms, paces)
    for waveform, pace, outputs in zip(waveforms, paces, together, strict=True):
        np.testing.assert_allclose(outputs, transcriber.listener.log_probs([waveform], [pace])[0], atol=1e-4)


def test_no_sound_has_no_pace():
    transcriber = Transcriber(model(10.0))
    for num_samples in (5, 300, RATE_HZ):
        assert transcriber.transcribe(np.zeros(num_samples, np.float32), RATE_HZ).words == ()


def test_settings_that_cannot_be():
    with pytest.raises(ValueError, match="one fewer"):
        TempoConfig(hops_s=(0.01, 0.008))
    with pytest.raises(ConfigError, match="increase"):
        Tempo(model(3.0, 2.0, hops_s=(0.01, 0.009, 0.008)))
    with pytest.raises(ConfigError, match="no whole number of samples"):
        Tempo(model(3.0, hops_s=(0.01, 0.00801)))
