"""Quiet recordings are made as loud as those that a model was trained on."""

import math

import numpy as np
import pytest
import soundfile

from speech.corpus import Utterance
from speech.errors import ConfigError
from speech.loudness import MOST_GAIN_DB, LoudnessConfig, amplified, loudness_db, trained_loudness
from speech.transcribe import Transcriber
from tests.speech.test_decoding import tone_model
from tests.speech.tone_model import RATE_HZ, say


def speech_like(level_db: float, seconds: float = 2.0) -> np.ndarray:
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ))
    return (samples * 10 ** (level_db / 20)).astype(np.float32)


def test_loud_frames_count():
    assert loudness_db(speech_like(-20.0), RATE_HZ) == pytest.approx(-20.0, abs=0.6)
    with_pauses = np.concatenate([np.zeros(10 * RATE_HZ, np.float32), speech_like(-20.0), speech_like(-60.0, 8.0)])
    assert loudness_db(with_pauses, RATE_HZ) == pytest.approx(-20.0, abs=0.6)
    clicks = speech_like(-60.0, 20.0)
    clicks[:: 10 * RATE_HZ] = 1.0
    assert loudness_db(clicks, RATE_HZ) == pytest.approx(-60.0, abs=1.0)
    assert loudness_db(np.full(10, 0.1, np.float32), RATE_HZ) == pytest.approx(-20.0)
    assert loudness_db(np.zeros(0, np.float32), RATE_HZ) == loudness_db(np.zeros(99, np.float32), RATE_HZ) == -math.inf


def test_only_quiet_ones_are_made_louder():
    config = LoudnessConfig(least_db=-20.0)
    assert config.gain(-30.0) == pytest.approx(10**0.5)
    assert (
        config.gain(-20.0) == config.gain(-5.0) == config.gain(-20.0 - MOST_GAIN_DB - 1) == config.gain(-math.inf) == 1
    )
    assert LoudnessConfig().gain(-60.0) == 1.0
    samples = speech_like(-30.0)
    assert amplified(samples, 1.0) is samples
    assert amplified(samples, 2.0).dtype == np.float32


@pytest.mark.parametrize("seconds", [1.0, 60.0])
def test_a_quiet_recording_is_heard_as_a_loud_one(seconds):
    loaded = tone_model()
    text = "the cat sat on the mat"
    words = say(text, padding_s=seconds)
    loaded.card["loudness"] = {"least_db": round(loudness_db(say(text), RATE_HZ), 1)}
    transcriber = Transcriber(loaded)
    loud = transcriber.transcribe(words, RATE_HZ)
    assert loud.text == text
    assert transcriber.transcribe(words * np.float32(1e-3), RATE_HZ) == loud
    assert Transcriber(tone_model()).transcribe(words * np.float32(1e-4), RATE_HZ).text != loud.text


def test_what_is_quiet_after_loud_speech_stays_quiet():
    text = "the cat sat on the mat"
    loud, quiet = say(text, 1.0), say(text, 20.0) * np.float32(4e-4)
    loaded = tone_model()
    loaded.card["loudness"] = {"least_db": round(loudness_db(say(text), RATE_HZ), 1)}
    transcriber = Transcriber(loaded)
    assert transcriber.transcribe(quiet, RATE_HZ).text == text
    assert transcriber.transcribe(np.concatenate([loud, quiet]), RATE_HZ).text == text


def test_the_card_is_checked():
    loaded = tone_model()
    loaded.card["loudness"] = {"least": -10.0}
    with pytest.raises(ConfigError, match=r"loudness\..*least"):
        Transcriber(loaded)
    with pytest.raises(ValueError, match="least_db must be from -200 to 0, got 3"):
        LoudnessConfig(least_db=3.0)


def test_loudness_of_training(tmp_path):
    rows = []
    for number, level_db in enumerate([-30.0, -20.0, -10.0]):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, np.clip(speech_like(level_db), -1, 1), RATE_HZ)
        rows.append(Utterance(audio_filepath=path, duration=2.0, text="a"))
    rows.append(Utterance(audio_filepath=tmp_path / "missing.wav", duration=2.0, text="a"))
    assert trained_loudness(rows, RATE_HZ)["least_db"] == pytest.approx(-25.0, abs=0.6)
    assert trained_loudness(rows[3:], RATE_HZ) == trained_loudness([], RATE_HZ) == {}
