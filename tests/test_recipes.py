"""Recipes end to end on tones: from a corpus folder to a model and its errors."""

import lzma
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from recipes.digits import run as digits
from recipes.english import compare, release
from recipes.english import run as english
from recipes.phones import evaluate
from speech import checkpoint
from speech.aligner import Aligner
from speech.cli import guarded, main
from speech.corpus import Utterance, read_manifest, write_manifest
from speech.errors import SpeechError
from speech.flat_start import FINE_FRAMES
from speech.frontend import FrontendConfig
from speech.lm.neural import load_neural_lm
from speech.models import HeadConfig, ModelConfig
from speech.transcribe import Transcriber
from speech.units import build_units
from tests.conftest import tone_waveform
from tests.speech.tone_model import RATE_HZ, say, tone_transcriber

RECIPES = Path(__file__).parents[1] / "recipes"
TINY = [
    "data.num_workers=1",
    "augment.copies=1",
    "model.num_layers=1",
    "model.width=16",
    "model.conv_channels=16",
    "training.epochs=1",
    "training.autocast=false",
]


def run(recipe: str, monkeypatch, folder: Path, *arguments: str) -> None:
    """Run a recipe's script as a user would, in `folder`."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(RECIPES / recipe / "run.py"), run_name="__main__")
    assert end.value.code == 0


def test_digits(tmp_path, monkeypatch, capsys):
    recordings = tmp_path / "corpus" / "recordings"
    recordings.mkdir(parents=True)
    for digit in range(3):
        for index in range(12):
            soundfile.write(recordings / f"{digit}_anna_{index}.wav", tone_waveform("abc"[digit], 8000), 8000)
    run("digits", monkeypatch, tmp_path, "--data", "corpus", "--set", *TINY)
    assert "of 15 correct" in capsys.readouterr().out
    assert checkpoint.load(tmp_path / "runs" / "digits" / "model.safetensors").units["word"].symbols[1:] == (
        "one",
        "two",
        "zero",
    )


def test_digits_that_are_parts_of_a_recording(tmp_path, capsys):
    first, second = say("one"), say("two")
    soundfile.write(tmp_path / "a.wav", np.concatenate([first, second]), RATE_HZ)
    lengths_s = len(first) / RATE_HZ, len(second) / RATE_HZ
    rows = [
        Utterance(tmp_path / "a.wav", lengths_s[0], "one"),
        Utterance(tmp_path / "a.wav", lengths_s[1], "two", offset=lengths_s[0]),
    ]
    write_manifest(tmp_path / "test.jsonl", rows)
    digits.report(tone_transcriber(), tmp_path / "test.jsonl")
    assert capsys.readouterr().out == "2 of 2 correct, 100.00 %\n"


def test_english(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    for split in ("train-clean-100", "dev-clean", "test-other"):
        chapter = tmp_path / "data" / "LibriSpeech" / split / "19" / "198"
        chapter.mkdir(parents=True)
        lines = []
        for number in range(4):
            text = "".join(random.choice(list("abcd"), 4))
            soundfile.write(chapter / f"19-198-{number:04d}.flac", tone_waveform(text), 16_000)
            lines.append(f"19-198-{number:04d} {text.upper()}")
        (chapter / "19-198.trans.txt").write_text("\n".join(lines) + "\n")
    noise = tmp_path / "data" / "augment" / "noise"
    noise.mkdir(parents=True)
    (noise / "LICENSE").write_text("CC0")
    soundfile.write(noise / "hiss.wav", 0.01 * random.standard_normal(16_000 * 6), 16_000)
    run("english", monkeypatch, tmp_path, "--data", "data", "--set", "heads.1.layer=1", *TINY)
    printed = capsys.readouterr().out
    assert printed.count("text normalisation") == 2  # test and dev
    rows = (tmp_path / "manifests" / "english" / "train.jsonl").read_text().splitlines()
    assert len(rows) == 5  # four utterances and one part of the noise
    model = checkpoint.load(tmp_path / "runs" / "english_crf" / "model.safetensors")  # begun from runs/english
    assert model.heads["phone"].loss == "ctc_crf"
    assert model.card["config"]["training"]["init_from"] == "model.safetensors"


def test_an_interrupt_ends_all_evaluations(monkeypatch):
    started = []

    def interrupted(arguments):
        started.append(arguments.manifests)
        raise KeyboardInterrupt

    monkeypatch.setattr("speech.commands.evaluate.run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        english.evaluate(Path("model"), [Path("a.jsonl"), Path("b.jsonl")])
    assert started == [["a.jsonl"]]


def test_phones(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    for split in ("train-clean-100", "dev-clean", "test-other"):
        chapter = tmp_path / "data" / "LibriSpeech" / split / "19" / "198"
        chapter.mkdir(parents=True)
        lines = []
        for number in range(4):
            words = random.choice(["bad", "cab", "dab", "dad"], 3)
            soundfile.write(chapter / f"19-198-{number:04d}.flac", tone_waveform("".join(words)), 16_000)
            lines.append(f"19-198-{number:04d} {' '.join(words).upper()}")
        (chapter / "19-198.trans.txt").write_text("\n".join(lines) + "\n")
    run("phones", monkeypatch, tmp_path, "--data", "data", "--set", "alignment.realign_at=[]", *TINY)
    assert "4 utterances with a word swapped" in capsys.readouterr().out
    aligner = Aligner.load(tmp_path / "runs" / "aligner" / "aligner.safetensors")
    assert aligner.units[0] == "SIL"
    assert aligner.frames == FINE_FRAMES


def test_swapped_words_are_heard_where_they_are(tmp_path, capsys):
    heard = []

    def align(recording, text):
        heard.append(recording)
        return SimpleNamespace(words=[SimpleNamespace(word=word, score=0.0) for word in text.split()])

    rows = [Utterance(tmp_path / "a.wav", 0.5, "one two three", offset=float(place)) for place in range(2)]
    write_manifest(tmp_path / "test.jsonl", rows)
    evaluate.swapped(SimpleNamespace(align=align), [tmp_path / "test.jsonl"], count=2, seed=1)
    assert sorted(clip.offset_s for clip in heard) == [0.0, 1.0]
    assert {clip.duration_s for clip in heard} == {0.5}
    with pytest.raises(SpeechError, match="--manifest"):
        evaluate.swapped(SimpleNamespace(align=align), [], count=2, seed=1)


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_hand_labels_in_either_case(tmp_path, case):
    folder = tmp_path / case("timit/train/dr1/fcjf0")
    folder.mkdir(parents=True)
    soundfile.write(folder / case("sa1.wav"), np.zeros(16_000), 16_000, format="WAV")
    (folder / case("sa1.txt")).write_text("0 16000 She had.\n")
    with pytest.raises(SpeechError, match=r"has no \.phn file"):
        evaluate.timit_utterances(tmp_path)
    (folder / case("sa1.phn")).write_text("0 8000 h#\n8000 16000 sh\n")
    ((_, text, labels),) = evaluate.timit_utterances(tmp_path)
    assert (text, labels) == ("She had.", [("SIL", 0.0, 0.5), ("SH", 0.5, 1.0)])


def test_some_minutes_of_a_voice(tmp_path, monkeypatch, capsys):
    wavs = tmp_path / "anna" / "wavs"
    wavs.mkdir(parents=True)
    for number in range(6):
        soundfile.write(wavs / f"a{number}.wav", tone_waveform("abcd" * 5, 8000), 8000)
    (tmp_path / "anna" / "metadata.csv").write_text("".join(f"a{number}|abcd.\n" for number in range(6)))
    seconds = soundfile.info(wavs / "a0.wav").duration
    arguments = ["--data", "anna", "--steps", "prepare", "--minutes"]
    run("voice", monkeypatch, tmp_path, *arguments, str(2.5 * seconds / 60))
    train, test = (read_manifest(tmp_path / "manifests" / "voice" / f"{name}.jsonl") for name in ("train", "test"))
    assert (len(train), len(test)) == (2, 4)
    assert len({row.audio_filepath for row in train + test}) == 6
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments, "60"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(RECIPES / "voice" / "run.py"), run_name="__main__")
    assert end.value.code != 0
    assert "--minutes 60" in capsys.readouterr().err


@pytest.mark.parametrize(("recipe", "rest"), [("english", ["--manifests", "manifests"]), ("phones", [])])
def test_a_release_goes_nowhere_that_was_not_named(recipe, rest, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["release.py", "--model", "copy.safetensors", *rest])
    with pytest.raises(SystemExit):
        runpy.run_path(str(RECIPES / recipe / "release.py"), run_name="__main__")
    assert "the following arguments are required: --output" in capsys.readouterr().err


def test_a_release_that_fails_keeps_the_model_in_use(tmp_path, monkeypatch, capsys):
    units = {"character": build_units("character")}
    sizes = ModelConfig(conv_channels=8, num_layers=1, width=8)
    checkpoint.save_model(
        tmp_path / "new", checkpoint.build(FrontendConfig(), sizes, {"character": HeadConfig()}, units)
    )
    soundfile.write(tmp_path / "a.wav", tone_waveform("ab"), 16_000)
    write_manifest(tmp_path / "dev_a.jsonl", [Utterance(tmp_path / "a.wav", 0.5, "ab")])
    write_manifest(tmp_path / "test_a.jsonl", [Utterance(tmp_path / "gone.wav", 0.5, "ab")])
    in_use = tmp_path / "in_use"
    in_use.write_bytes(b"the model in use")
    folders = ["--model", str(tmp_path / "new"), "--manifests", str(tmp_path), "--output", str(in_use)]
    measured, measure = [], release.evaluate
    monkeypatch.setattr(release, "load_model", lambda path, lm=None: Transcriber(checkpoint.load(path), name=str(lm)))
    monkeypatch.setattr(release, "evaluate", lambda model, rows: measured.append(model.name) or measure(model, rows))
    monkeypatch.setattr(sys, "argv", ["release.py", *folders, "--decoding", '{"head": "character", "beam": 10}'])
    assert guarded(release.main) == 2
    assert "gone.wav" in capsys.readouterr().err
    assert in_use.read_bytes() == b"the model in use"
    assert not list(tmp_path.glob(".*"))
    write_manifest(tmp_path / "test_a.jsonl", [Utterance(tmp_path / "a.wav", 0.5, "ab")])
    assert guarded(release.main) == 0
    assert set(checkpoint.load(in_use).card["results"]) == {"dev_a", "test_a"}
    assert set(measured) == {"False", "None"}  # as users load it


@pytest.mark.parametrize(
    ("program", "arguments"),
    [(compare.main, ["dev.jsonl"]), (evaluate.main, ["errors"]), (main, ["tune", "dev.jsonl", "--dry-run"])],
)
def test_models_are_measured_in_the_arithmetic_that_users_get(program, arguments, tmp_path, monkeypatch, capsys):
    def refuse(model):
        raise SpeechError("bfloat16 as for users")

    monkeypatch.setattr("speech.loading.has_bfloat16_lstm", lambda: True)
    monkeypatch.setattr("speech.models.AcousticModel.recur_in_bfloat16", refuse)
    monkeypatch.chdir(tmp_path)
    write_manifest(tmp_path / "dev.jsonl", [Utterance(tmp_path / "a.wav", 0.5, "ab")])
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    assert guarded(program) == 2
    assert "bfloat16 as for users" in capsys.readouterr().err


def test_language_model(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    syllables = [first + second for first in "bdfgklmnprstvwz" for second in ("ay", "ee", "oh", "ar", "in")]
    words = [first + second for first in syllables for second in syllables[:20]]
    probabilities = 1 / np.arange(1, len(words) + 1)
    for name in ("english", "common_voice"):
        with lzma.open(tmp_path / f"{name}.txt.xz", "wt") as file:
            for _ in range(3000):
                print(*random.choice(words, 6, p=probabilities / probabilities.sum()), file=file)
    soundfile.write(tmp_path / "a.wav", tone_waveform("ab"), 16_000)
    write_manifest(tmp_path / "dev.jsonl", [Utterance(tmp_path / "a.wav", 0.5, " ".join(words[:9]))])
    folders = ["--text", str(tmp_path), "--dev", str(tmp_path / "dev.jsonl"), "--output", str(tmp_path / "small.lm")]
    run("language_model", monkeypatch, tmp_path, *folders, "--order", "2", "--words", "200")
    names = ["small.lexicon.safetensors", "small.lm", "small.lm.json"]
    assert sorted(path.name for path in tmp_path.glob("*small*")) == names
    written = {name: (tmp_path / name).read_bytes() for name in names}
    monkeypatch.setattr(sys, "argv", ["run.py", *folders, "--order", "2", "--size-mib", "0.0001"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(RECIPES / "language_model" / "run.py"), run_name="__main__")
    assert end.value.code == 2
    assert "no threshold" in capsys.readouterr().err
    assert written == {path.name: path.read_bytes() for path in tmp_path.glob("*small*")}


def test_recurrent_language_model(tmp_path, monkeypatch, capsys):
    sentences = ["the cat sat", "a dog ran", "the dog sat", "a cat ran"] * 20
    for name in ("english", "common_voice"):
        with lzma.open(tmp_path / f"{name}.txt.xz", "wt") as file:
            file.write("\n".join(sentences) + "\n")
    soundfile.write(tmp_path / "a.wav", tone_waveform("ab"), 16_000)
    write_manifest(
        tmp_path / "dev.jsonl", [Utterance(audio_filepath=tmp_path / "a.wav", duration=0.5, text="The cat ran.")]
    )
    monkeypatch.chdir(tmp_path)
    settings = ["model.pieces=20", "model.width=8", "model.hidden=16", "training.epochs=2", "training.batch_pieces=256"]
    options = ["--text", ".", "--dev", "dev.jsonl", "--output", "small.safetensors", "--set", *settings[:2], "--set"]
    monkeypatch.setattr(sys, "argv", ["neural.py", *options, *settings[2:]])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("recipes.language_model.neural", run_name="__main__")
    assert end.value.code == 0
    model = load_neural_lm(tmp_path / "small.safetensors")
    assert model.card["config"]["model"]["width"] == 8
    perplexity = model.card["perplexity"]["dev"]
    assert 1 < perplexity < 100
    assert f"perplexity of words {{'dev': {perplexity}}}" in capsys.readouterr().out
    assert (tmp_path / "runs" / "neural_lm" / "state.pt").is_file()


@pytest.mark.parametrize(
    "script", ["language_model/neural", "phones/release", "phones/run", "benchmarks/ctc_loss_cuda"]
)
def test_scripts_that_use_other_recipes_run_by_their_path(tmp_path, script):
    command = [sys.executable, str(RECIPES / f"{script}.py"), "--help"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("usage:")
