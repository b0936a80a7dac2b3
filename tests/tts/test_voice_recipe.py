"""The voice recipe on two seconds of tones."""

import runpy
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from speech.corpus import read_manifest
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


@pytest.mark.parametrize("setting", ["vocodr.training.steps=2", "align.nonsense=1", "prepare.foo=2"])
def test_a_setting_of_no_table_is_refused(recordings, monkeypatch, capsys, setting):
    assert run(monkeypatch, recordings, "--steps", "prepare", "--set", setting) == 2
    assert f"--set {setting}: begin with vocoder. or acoustic." in capsys.readouterr().err


def test_an_impossible_value_is_told_with_file_and_key(recordings, monkeypatch, capsys):
    assert run(monkeypatch, recordings, "--steps", "prepare", "--set", "vocoder.training.batch=0") == 2
    assert "vocoder.toml: training.batch must be 1 or more, got 0" in capsys.readouterr().err


def test_the_manifest_is_written_where_it_is_read(recordings, monkeypatch, capsys):
    assert run(monkeypatch, recordings, "--steps", "prepare", "--set", "vocoder.data.train=lists/anna.jsonl") == 0
    rows = read_manifest(recordings / "lists" / "anna.jsonl", check_audio=True)
    assert [row.text for row in rows] == ["One.", "Two."]
    assert [path.name for path in (recordings / "lists").iterdir()] == ["anna.jsonl"]


def test_minutes_are_for_preparing(recordings, monkeypatch, capsys):
    assert run(monkeypatch, recordings, "--steps", "vocoder", "--minutes", "1") == 2
    assert "--minutes 1: is for the step prepare; ask for it too" in capsys.readouterr().err


def test_recordings_of_another_folder_are_refused(recordings, monkeypatch, capsys):
    assert run(monkeypatch, recordings, "--steps", "prepare") == 0
    (recordings / "anna").rename(recordings / "berta")
    (recordings / "anna").mkdir()
    manifest = recordings / "manifests" / "voice" / "train.jsonl"
    manifest.write_text(manifest.read_text().replace("anna", "berta"))
    assert run(monkeypatch, recordings, "--steps", "vocoder") == 2
    assert "--data anna: manifests/voice/train.jsonl names " in capsys.readouterr().err


def test_recordings_may_be_linked_from_elsewhere(recordings, monkeypatch, capsys):
    (recordings / "anna" / "wavs").rename(recordings / "disk")
    (recordings / "anna" / "wavs").symlink_to(recordings / "disk")
    sizes = ["model.channels=8", "model.blocks=1", "training.steps=1", "training.batch=1", "training.crop_frames=24"]
    settings = [f"vocoder.{size}" for size in sizes]
    assert run(monkeypatch, recordings, "--steps", "prepare", "vocoder", "--set", *settings) == 0


def test_a_test_set_of_other_recordings_is_put_aside(recordings, monkeypatch, capsys):
    earlier = recordings / "manifests" / "voice" / "test.jsonl"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("{}")
    assert run(monkeypatch, recordings, "--steps", "prepare") == 0
    assert not earlier.exists()
    assert earlier.with_name("test.jsonl.old").read_text() == "{}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_within_a_step_ends_the_recipe(recordings, monkeypatch, capsys, number, code):
    monkeypatch.setattr("speech.commands.align.run", lambda _: signal.raise_signal(number))
    assert run(monkeypatch, recordings, "--steps", "align", "acoustic") == code
    assert capsys.readouterr().err == f"voice: {'interrupted' if code == 130 else 'terminated'}\n"
