"""Benchmarks: what each is for is told at once, and so is what it lacks."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from recipes.benchmarks import decoding, kenlm_agreement, kneser_ney, pocketsphinx
from speech.cli import guarded

FOLDER = Path(__file__).parents[1] / "recipes" / "benchmarks"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
PEERS = ("kaldi_native_fbank", "parselmouth", "kenlm", "pocketsphinx", "ctc_segmentation", "fast_ctc_decode")


@pytest.fixture
def no_peers(monkeypatch):
    for name in PEERS:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_what_is_measured_whatever_is_installed(monkeypatch, capsys, no_peers, name):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert end.value.code == 0
    shown = capsys.readouterr().out
    source = (FOLDER / f"{name}.py").read_text()
    assert source.split('"""')[1].strip() in shown
    assert f"recipes.benchmarks.{name}" in shown or f"recipes/benchmarks/{name}.py" in shown


def test_what_is_missing_is_named_and_the_others_are_measured(monkeypatch, capsys, no_peers):
    decoding._import.cache_clear()
    runs = decoding.without_model(np.zeros((5, len(decoding.LETTERS)), np.float32), 4)
    assert isinstance(runs["ours"](), str)
    assert "fast-ctc-decode is not installed and left out: pip install fast-ctc-decode" in capsys.readouterr().out
    decoding._import.cache_clear()
    assert pocketsphinx.sphinx() is None
    assert "pip install 'speech-toolkit[measure]'" in capsys.readouterr().out
    frontend = runpy.run_path(str(FOLDER / "frontend.py"))
    assert list(frontend["filter_bank_tools"]())[:2] == ["ours", "torchaudio.compliance.kaldi.fbank"]
    assert len(frontend["filter_bank_tools"]()) == 3
    assert [name.split()[0] for name in frontend["pitch_tools"]()] == ["ours", "librosa.yin"]
    frontend["compare_values"]([np.random.default_rng(0).standard_normal(16000).astype(np.float32)])
    assert "native" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        (kenlm_agreement, ["--arpa", "a", "--text", "t"], "KenLM, which ours is compared with, is not installed"),
        (kneser_ney, ["--lmplz", "nowhere/lmplz", "--text", "t"], "--lmplz nowhere/lmplz: is no program; build lmplz"),
    ],
)
def test_where_nothing_can_be_compared_one_sentence_says_so(monkeypatch, capsys, no_peers, script, arguments, message):
    monkeypatch.setattr(sys, "argv", ["script", *arguments])
    assert guarded(script.main) == 2
    assert message in capsys.readouterr().err
