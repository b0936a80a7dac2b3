"""The voice recipe on two seconds of tones."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tts.vocoder import Vocoder

RECIPE = Path(__file__).parents[2] / "recipes" / "voice" / "run.py"


def run(monkeypatch, folder: Path, *arguments: str) -> int:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["run.py", "--data", "anna", *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(RECIPE), run_name="__main__")
    return end.value.code


@pytest.fixture
def recordings(tmp_path) -> Path:
    wavs = tmp_path / "anna" / "wavs"
    wavs.mkdir(parents=True)
    time_s = np.arange(24_000) / 24_000
    for number, f0_hz in enumerate((140, 180)):
        harmonics = np.arange(1, 40)[:, None]
        soundfile.write(
            wavs / f"{number}.wav", 0.05 * np.cos(2 * np.pi * f0_hz * harmonics * time_s).sum(0) / 8, 24_000
        )
    (tmp_path / "anna" / "metadata.csv").write_text("0|One.\n1|Two.\n")
    return tmp_path


def test_prepare_and_vocoder(recordings, monkeypatch, capsys):
    sizes = ["model.channels=8", "model.blocks=1", "training.steps=2", "training.batch=1", "training.crop_frames=24"]
    settings = [f"vocoder.{size}" for size in sizes]
    assert run(monkeypatch, recordings, "--steps", "prepare", "vocoder", "--licence", "CC0", "--set", *settings) == 0
    assert "vocoder.safetensors" in capsys.readouterr().out
    vocoder = Vocoder.load(recordings / "runs" / "voice" / "vocoder.safetensors")
    assert vocoder.card["data_licence"] == "CC0"
    assert vocoder(torch.full((1, 10, 80), -6.0), torch.full((1, 10), 150.0)).shape == (1, 2560)


def test_unknown_step_of_a_setting_is_refused(recordings, monkeypatch, capsys):
    assert run(monkeypatch, recordings, "--set", "vocodr.training.steps=2") == 2
    assert "begin with one of prepare, " in capsys.readouterr().err
