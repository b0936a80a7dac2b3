"""Several channels as one, and the warning where they cancel each other."""

import logging

import numpy as np
import pytest
import soundfile as sf

from speech import audio, channels
from speech.cli import main
from speech.sources import read_source
from tests.speech.tone_model import RATE_HZ, say

NOISE = np.random.default_rng(0).uniform(-0.3, 0.3, (150_000, 2)).astype(np.float32)


@pytest.fixture(autouse=True)
def _nothing_told():
    channels._warn_once.cache_clear()


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def opposed(path, level: float = 1.0):
    sf.write(path, np.stack([NOISE[:, 0], -level * NOISE[:, 0]], axis=1), RATE_HZ)
    return path


def test_channels_of_opposite_phase_are_told_once_a_file(tmp_path, caplog):
    path = opposed(tmp_path / "a.wav")
    audio.read(path)
    list(audio.stream(path, sample_rate_hz=8000, block_s=1.0))
    audio.read(path, offset_s=1.0)
    (message,) = warnings(caplog)
    assert message.startswith(f"{path}: its channels cancel each other")
    audio.read(opposed(tmp_path / "b.wav", 0.9))
    assert len(warnings(caplog)) == 2


def test_other_channels_are_not(tmp_path, caplog):
    audio.read(opposed(tmp_path / "a.wav"), channel=0)
    audio.read(opposed(tmp_path / "b.wav", 0.7))  # 15 dB are lost
    for name, samples in {"two": NOISE, "one": NOISE * [1, 0], "none": NOISE * 0, "mono": NOISE[:, 0]}.items():
        sf.write(tmp_path / f"{name}.wav", samples, RATE_HZ)
        audio.read(tmp_path / f"{name}.wav")
    assert not warnings(caplog)


def test_arrays(caplog):
    for _ in range(2):
        read_source(np.stack([NOISE[:, 0], -NOISE[:, 0]], axis=1), sample_rate_hz=RATE_HZ, array_rate_hz=RATE_HZ)
    read_source(NOISE, sample_rate_hz=RATE_HZ, array_rate_hz=RATE_HZ)
    assert len(warnings(caplog)) == 2
    assert warnings(caplog)[0].startswith("the channels of the array cancel each other")


def test_transcribing_tells_the_file(tone_command, tmp_path, capsys):
    spoken = say("alpha")
    for name in ("a.wav", "b.wav"):
        sf.write(tmp_path / name, np.stack([spoken, -spoken], axis=1), RATE_HZ)
    sf.write(tmp_path / "c.wav", np.stack([spoken, spoken], axis=1), RATE_HZ)
    assert main(["transcribe", str(tmp_path)]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "cancel" in line]
    assert len(lines) == 2
    assert lines[0].startswith(f"speech: {tmp_path / 'a.wav'}: its channels cancel each other")
    assert main(["transcribe", str(tmp_path / "a.wav"), "--channel", "1"]) == 0
    told = capsys.readouterr()
    assert told.out == "alpha\n"
    assert "cancel" not in told.err
