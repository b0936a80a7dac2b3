"""A recogniser of tones in place of a trained one, and recordings that it understands."""

import pytest

from speech import audio
from speech.errors import ConfigError
from tests.speech.tone_model import RATE_HZ, say, tone_transcriber


@pytest.fixture
def tone_command(monkeypatch):
    """The command with the tone model in place of a trained one; counts how often it is loaded."""
    loads = []

    def load_model(path=None, device="cpu", **search):
        loads.append(path)
        if device != "cpu":
            raise ConfigError(f"device {device!r}: none here")
        return tone_transcriber()

    monkeypatch.setattr("speech.loading.load_model", load_model)
    return loads


@pytest.fixture
def talks(tmp_path):
    """A folder with recordings in two levels and a file that is none."""
    folder = tmp_path / "talks"
    (folder / "deep").mkdir(parents=True)
    audio.write(folder / "a.wav", say("alpha one"), RATE_HZ)
    audio.write(folder / "b.flac", say("beta"), RATE_HZ)
    audio.write(folder / "deep" / "c.wav", say("gamma"), RATE_HZ)
    (folder / "readme.txt").write_text("no audio")
    return folder
