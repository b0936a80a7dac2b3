"""What every test may use: tones that stand for letters, and the shared recordings where they are present."""

import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech.corpus import Utterance, write_manifest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
TONES_HZ = {"a": 400.0, "b": 800.0, "c": 1400.0, "d": 2400.0}


def pytest_configure() -> None:
    """Take Ctrl-C: programs that a script runs in the background, and their children, are begun without."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def shared_data() -> Path:
    """Folder of real recordings; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real recordings of ../shared/data")
    return SHARED_DATA


def tone_waveform(text: str, sample_rate_hz: int = 16_000) -> np.ndarray:
    """Letters as tones of 0.15 s with pauses of 0.06 s between, float32 [N]."""
    pause = np.zeros(round(0.06 * sample_rate_hz), np.float32)
    parts = [pause]
    for letter in text:
        time_s = np.arange(round(0.15 * sample_rate_hz)) / sample_rate_hz
        tone = 0.3 * np.sin(2 * np.pi * TONES_HZ[letter] * time_s) * np.hanning(len(time_s))
        parts += [tone.astype(np.float32), pause]
    noise = np.random.default_rng(len(text)).normal(0, 1e-3, sum(map(len, parts)))
    return np.concatenate(parts) + noise.astype(np.float32)


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """Manifest of 24 utterances of tones."""
    folder = tmp_path_factory.mktemp("tones")
    random = np.random.default_rng(0)
    rows = []
    for number in range(24):
        text = "".join(random.choice(list(TONES_HZ), random.integers(2, 6)))
        waveform = tone_waveform(text)
        path = folder / f"{number:02d}.wav"
        soundfile.write(path, waveform, 16_000)
        rows.append(Utterance(path, len(waveform) / 16_000, text, corpus="tones"))
    write_manifest(folder / "tones.jsonl", rows)
    return folder / "tones.jsonl"
