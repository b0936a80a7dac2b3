"""The `speech` command: outputs, exit codes, resuming, bad input, no terminal."""

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from speech import audio
from speech.checkpoint import build, save_model
from speech.cli import COMMANDS, build_parser, guarded, main, nested
from speech.commands.inputs import find_recordings
from speech.commands.progress import Progress
from speech.errors import CorpusError
from speech.files import ESCAPE
from speech.frontend import FrontendConfig
from speech.models import HeadConfig, ModelConfig
from speech.units import build_units
from tests.speech.tone_model import RATE_HZ, say, tone_transcriber

PIPE = "is a pipe or a device, which is read only if it is named by itself"

SUFFIXES = frozenset({".wav", ".mp3"})
needs_a_user = pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write anywhere")


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    """A file with a small untrained model."""
    torch.manual_seed(0)
    units = {"character": build_units("character")}
    config = ModelConfig(conv_channels=8, num_layers=1, width=8)
    loaded = build(FrontendConfig(), config, {"character": HeadConfig()}, units)
    loaded.card = {"name": "tiny", "licence": "CC0-1.0", "data": ["nothing"], "errors": {"dev": 99}}
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(path, loaded)
    return path


# --- what comes out ----------------------------------------------------------------------------


def test_one_file_prints_its_text_and_nothing_else(tone_command, talks, capsys):
    assert main(["transcribe", str(talks / "a.wav")]) == 0
    out, err = capsys.readouterr()
    assert out == "alpha one\n"
    assert err == ""


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        (
            "transcribe a.wav --no-lm b.wav --beam 5 c.wav",
            {"paths": ["a.wav", "b.wav", "c.wav"], "no_lm": True, "beam": 5},
        ),
        ("transcribe a.wav --no-lm b.wav -- -c.wav", {"paths": ["a.wav", "b.wav", "-c.wav"], "no_lm": True}),
        ("transcribe --no-lm -- -a.wav", {"paths": ["-a.wav"], "no_lm": True}),
        ("transcribe - --no-lm", {"paths": ["-"], "no_lm": True}),
        ("align a.wav --format srt a.txt", {"audio": "a.wav", "text": "a.txt", "format": ["srt"]}),
        ("evaluate a.jsonl --limit 3 b.jsonl", {"manifests": ["a.jsonl", "b.jsonl"], "limit": 3}),
        ("prepare fsdd --output-dir x root", {"corpus": "fsdd", "root": "root", "output_dir": "x"}),
        ("lm train a -o x b --order 2 c", {"texts": ["a", "b", "c"], "output": "x", "order": 2}),
        ("train --set a=1 my.toml --set b=2", {"config": "my.toml", "set": ["a=1", "b=2"]}),
    ],
)
def test_options_stand_before_between_and_after_names(typed, parsed):
    found = vars(build_parser(typed.split()).parse_args(typed.split()))
    assert {name: found[name] for name in parsed} == parsed


@pytest.mark.parametrize(
    "typed", ["align a.wav --format srt a.txt b.txt", "info a --x b", "prepare fsdd --output-dir x"]
)
def test_what_has_no_place_is_refused_wherever_it_stands(typed, capsys):
    assert main(typed.split()) == 2
    assert re.search("unrecognized arguments: (b.txt|--x b)\n|required: ROOT", capsys.readouterr().err)


def test_a_folder_prints_a_line_a_file_and_a_summary(tone_command, talks, capsys):
    assert main(["transcribe", str(talks)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{talks / 'a.wav'}: alpha one",
        f"{talks / 'b.flac'}: beta",
        f"{talks / 'deep' / 'c.wav'}: gamma",
    ]
    assert "[3/3]" in err
    assert "3 of 3 files transcribed" in err
    assert "\r" not in err


def test_standard_input(tone_command, talks, capsys, monkeypatch):
    class Stdin:
        buffer = io.BytesIO((talks / "a.wav").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert main(["transcribe", "-", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "alpha one"


@pytest.mark.parametrize(
    ("raw", "rate_hz", "num_channels", "dtype"),
    [("16000", 16000, 1, "<i2"), ("8000,2", 8000, 2, "<i2"), ("16000,1,float", 16000, 1, "<f4")],
)
def test_raw_audio_through_a_pipe(tone_command, capsys, monkeypatch, raw, rate_hz, num_channels, dtype):
    samples = np.repeat(audio.resample(say("alpha one"), RATE_HZ, rate_hz)[:, None], num_channels, axis=1)
    data = (samples * (1.0 if dtype == "<f4" else 32767)).astype(dtype).tobytes()
    reader, writer = os.pipe()

    def send():
        with os.fdopen(writer, "wb") as file:
            file.write(data)

    sender = threading.Thread(target=send)
    sender.start()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["transcribe", "--raw", raw, "-", "--format", "json"]) == 0
        sender.join()
    found = json.loads(capsys.readouterr().out)
    assert found["text"] == "alpha one"
    assert found["duration_s"] == pytest.approx(len(samples) / rate_hz, abs=0.002)


def test_files_without_a_header(tone_command, tmp_path, capsys):
    samples = (audio.resample(say("alpha one"), RATE_HZ, 16000) * 32767).astype("<i2").tobytes()
    (tmp_path / "a.raw").write_bytes(samples)
    (tmp_path / "b.pcm").write_bytes(samples)
    audio.write(tmp_path / "c.wav", say("beta"), RATE_HZ)
    assert main(["transcribe", str(tmp_path), "--raw", "16000"]) == 0
    assert [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()] == ["alpha one"] * 2
    assert main(["transcribe", *(str(tmp_path / name) for name in ("a.raw", "b.pcm", "c.wav"))]) == 1
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'c.wav'}: beta\n"
    assert err.count("has no header that says how its samples are to be read") == 2
    assert "--raw 16000" in err
    assert main(["transcribe", "--raw", "16000", str(tmp_path / "c.wav")]) == 2
    assert "c.wav: has a header (RIFF), so it is not raw" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_and_names_that_cannot_be_opened(tone_command, talks, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    os.symlink("loop", tmp_path / "loop")
    sender = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes((talks / "b.flac").read_bytes()))
    sender.start()
    names = [tmp_path / "x.wav".rjust(300, "x"), tmp_path / "loop", tmp_path / "pipe", talks / "a.wav"]
    assert main(["transcribe", *map(str, names)]) == 1
    sender.join()
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'pipe'}: beta\n{talks / 'a.wav'}: alpha one\n"
    assert "x.wav: cannot be read (File name too long)" in err
    assert "loop: cannot be read (Too many levels of symbolic links)" in err


def test_several_files_as_json_are_json_lines(tone_command, talks, capsys):
    assert main(["transcribe", str(talks), "--format", "json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["alpha one", "beta", "gamma"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
@pytest.mark.parametrize("pattern", ["", "/*.wav"])
def test_a_pipe_is_not_waited_for_unless_it_is_named(talks, pattern):
    os.mkfifo(talks / "pipe.wav")
    inputs, problems = find_recordings([f"{talks}{pattern}"], frozenset([".wav"]))
    assert "pipe" not in {one.output_stem for one in inputs}
    assert problems == [(str(talks / "pipe.wav"), f"{talks / 'pipe.wav'}: {PIPE}")]
    inputs, problems = find_recordings([str(talks / "pipe.wav")], frozenset([".wav"]))
    assert [one.output_stem for one in inputs] == ["pipe"]
    assert not problems


@pytest.mark.skipif(os.name == "nt", reason="names hold no line breaks there")
def test_every_recording_has_one_line(tone_command, talks, monkeypatch, capsys):
    (talks / "two\nlines.wav").write_bytes((talks / "a.wav").read_bytes())
    monkeypatch.chdir(talks)
    assert main(["transcribe", "two\nlines.wav", "b.flac"]) == 0
    assert capsys.readouterr().out == "two\\nlines.wav: alpha one\nb.flac: beta\n"


def test_one_file_is_written_in_the_format_of_its_ending(tone_command, talks, tmp_path, capsys):
    name = str(talks / "b.flac")
    for output, options, begin in [
        ("b.txt", [], "beta\n"),
        ("b", [], "beta\n"),
        ("b.VTT", [], "WEBVTT"),
        ("b.TextGrid", [], "File type"),
        ("b.docx", ["--format", "json"], "{"),
    ]:
        assert main(["transcribe", name, "-o", str(tmp_path / output), *options]) == 0
        assert (tmp_path / output).read_text().startswith(begin)
        assert capsys.readouterr().out == ""
    assert main(["transcribe", name, "--output", "-"]) == 0
    assert capsys.readouterr().out == "beta\n"
    (tmp_path / "b.txt").write_text("kept")
    assert main(["transcribe", str(talks / "readme.txt"), "-o", str(tmp_path / "b.txt")]) == 2
    assert (tmp_path / "b.txt").read_text() == "kept"


def test_all_formats_into_a_folder(tone_command, talks, tmp_path, capsys):
    out = tmp_path / "out"
    formats = "txt,json,srt,vtt,tsv,ctm,textgrid"
    assert main(["transcribe", str(talks), "--format", formats, "--output-dir", str(out)]) == 0
    assert capsys.readouterr().out == ""
    endings = {".txt", ".json", ".srt", ".vtt", ".tsv", ".ctm", ".TextGrid"}
    assert {path.suffix for path in out.glob("a.*")} == endings
    assert {path.suffix for path in (out / "deep").glob("c.*")} == endings
    assert (out / "b.txt").read_text() == "beta\n"
    assert not [path for path in out.rglob("*") if path.suffix == ".part"]


def test_channel(tone_command, tmp_path, capsys):
    import soundfile

    left, right = say("one"), say("six")
    soundfile.write(tmp_path / "two.wav", np.stack([left, right], axis=1), RATE_HZ)
    for channel, text in [("0", "one\n"), ("1", "six\n")]:
        assert main(["transcribe", str(tmp_path / "two.wav"), "--channel", channel]) == 0
        assert capsys.readouterr().out == text
    assert main(["transcribe", str(tmp_path / "two.wav"), "--channel", "2"]) == 2
    assert re.search("two.wav: .*channel 2", capsys.readouterr().err)


# --- what is found -----------------------------------------------------------------------------


def test_inputs_are_found_once_and_sorted(tmp_path, monkeypatch):
    for name in ["x/2.wav", "x/1.mp3", "x/.hidden.wav", "y/1.WAV", "y/notes.txt", "[odd].wav"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    inputs, problems = find_recordings(["x", "x/*.mp3", "y", "[odd].wav", "-"], SUFFIXES)
    names = [(one.path, one.output_stem) for one in inputs]
    # both 1.* would be "1"
    assert names == [
        (os.path.join("x", "1.mp3"), "1.mp3"),
        (os.path.join("x", "2.wav"), "2"),
        (os.path.join("y", "1.WAV"), "1.WAV"),
        ("[odd].wav", "[odd]"),
        ("-", "stdin"),
    ]
    assert problems == []
    inputs, problems = find_recordings(["x/2.wav", "y/*.flac", "x/../x/2.wav"], SUFFIXES)
    assert [one.path for one in inputs] == ["x/2.wav"]
    assert len(problems) == 1
    assert "y/*.flac" in problems[0][1]


def test_a_folder_that_cannot_be_searched_is_named(tmp_path, monkeypatch):
    (tmp_path / "open").mkdir()
    (tmp_path / "closed").mkdir()
    (tmp_path / "open" / "1.wav").write_bytes(b"")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    inputs, problems = find_recordings([str(tmp_path)], SUFFIXES)
    assert [one.output_stem for one in inputs] == ["open/1"]
    closed = f"{tmp_path}/closed"
    assert problems == [(closed, f"{closed}: this folder cannot be searched (Permission denied)")]


@pytest.mark.parametrize(
    ("arguments", "stems"),
    [
        (["x/1.wav", "y/1.wav"], ["x/1", "y/1"]),
        (["x", "y"], ["x/1", "2", "x/deep/3", "y/1", "y/deep/3"]),
        (["x/deep/3.wav", "y/deep/3.wav", "x/2.wav"], ["x/deep/3", "y/deep/3", "2"]),
        (["x/1.wav", "x/1.mp3"], ["1.wav", "1.mp3"]),
        (["x/1.wav", "x/1.mp3", "y/1.wav"], ["x/1.wav", "x/1.mp3", "y/1.wav"]),
        (["x/1.wav", "y/1.wav", "z"], ["t/x/1", "t/y/1", "B", "b", "z/x/1"]),
        (["x/1.wav", "/dev/fd/0", "/dev/fd/1"], ["1", "pipe0", "pipe1"]),
        (["z/b.wav", "z/B.wav"], ["b", "B"]),
    ],
)
def test_the_same_name_in_two_folders_keeps_the_folders_that_tell_them_apart(tmp_path, monkeypatch, arguments, stems):
    root = tmp_path / "t"
    for name in ("x/1.wav", "x/2.wav", "x/deep/3.wav", "y/1.wav", "y/deep/3.wav", "z/x/1.wav", "z/b.wav", "z/B.wav"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "x" / "1.mp3").write_bytes(b"")
    monkeypatch.chdir(root)
    suffixes = frozenset({".wav"})
    inputs, _ = find_recordings(arguments, suffixes)
    assert [one.output_stem for one in inputs] == stems


# --- bad input ---------------------------------------------------------------------------------


def test_bad_files_are_named_and_the_others_go_on(tone_command, talks, capsys):
    (talks / "empty.wav").touch()
    (talks / "text.wav").write_text("no audio at all, only words\n" * 40)
    whole = (talks / "b.flac").read_bytes()
    (talks / "cut.flac").write_bytes(whole[: len(whole) // 2])
    audio.write(talks / "nan.wav", say("x"), RATE_HZ)
    import soundfile

    soundfile.write(talks / "nan.wav", np.full(16000, np.nan), RATE_HZ, subtype="FLOAT")
    assert main(["transcribe", str(talks)]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert "3 of 7 files transcribed" in err
    assert "4 failed" in err
    for name in ("empty.wav", "text.wav", "cut.flac", "nan.wav"):
        assert re.search(rf"^speech: .*{name}: \w+", err, re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["transcribe", "missing.wav"], "missing.wav: there is no such file"),
        (["transcribe", "empty_folder"], "no audio file in this folder"),
        (["transcribe", "*.wav"], "matches no file"),
        (["transcribe", "x.wav", "--format", "docx"], "'docx' is unknown; known: txt"),
        (["transcribe", "x.wav", "--format", "txt,srt"], "--output-dir"),
        (["transcribe", "x.wav", "--format", ","], "name a format"),
        (["transcribe", "x.wav", "y.wav", "--format", "srt"], "--output-dir"),
        (["transcribe", "a_file", "boosts", "-o", "x.txt"], "--output x.txt: several recordings as txt do not fit"),
        (["transcribe", "a_file", "-o", "x.docx"], "--output x.docx: no format has this ending; add --format"),
        (["transcribe", "a_file", "-o", "empty_folder"], "--output empty_folder: is a folder; name a file"),
        (["transcribe", "a_file", "-o", "new/"], "new/ is a folder; name a file, or use --output-dir new/"),
        (["transcribe", "a_file", "-o", "./a_file"], "--output ./a_file: is read by the same command"),
        (["transcribe", "a_file", "-o", "a_file/below"], "--output a_file/below: files cannot be written there"),
        (["transcribe", "a_file", "-o", "x.txt", "--output-dir", "m"], "--output-dir: not allowed with argument -o"),
        (["align", "a_file", "boosts", "-o", "./boosts", "--format", "json"], "is read by the same command"),
        (["transcribe", "x.wav", "--output-dir", "a_file/below"], "cannot be written there"),
        (["transcribe", "x.wav", "--output-dir", "a_file"], "--output-dir a_file: is no folder; name another"),
        (["transcribe", "x.wav", "--output-dir", ""], "--output-dir: the name is empty"),
        (["transcribe", "", "x.wav"], "PATH: the name is empty"),
        (["transcribe", "a_file", "--device", "cuda:7"], "cuda:7"),
        (["transcribe", "a_file", "--channel", "-1"], "--channel: '-1' is not a whole number from 0 up"),
        (["transcribe", "a_file", "--model", "none"], "--model none: there is no such file"),
        (["transcribe", "a_file", "--lm", "none"], "--lm none: there is no such file"),
        (["transcribe", "a_file", "--lm", "empty_folder"], "--lm empty_folder: is a folder; name a file"),
        (["transcribe", "a_file", "--hotwords", "none"], "--hotwords none: there is no such file"),
        (["transcribe", "a_file", "--hotwords", "boosts"], "boosts, row 1: the boost 'much' is not a number"),
        (["transcribe", "a_file", "--hotwords", "latin"], "latin: is not text in UTF-8; save or convert it so"),
        (["transcribe", "a_file", "--hotwords", "empty_folder"], "--hotwords empty_folder: is a folder; name a file"),
        (["transcribe", "x.wav", "--batch", "0"], "whole number"),
        (["transcribe", "-", "--raw", "fast"], "--raw: 'fast' is not a whole number"),
        (["transcribe", "-", "--raw", "16000,0"], "--raw: '0' is not a whole number"),
        (["transcribe", "-", "--raw", "5"], "--raw: a rate of 5 Hz is not from 100"),
        (["transcribe", "-", "--raw", "16000,5000"], "cannot read 5000 channels of PCM_16"),
        (["transcribe", "-", "--raw", "16000,1,mp9"], 'no encoding "mp9"; known: '),
        (["transcribe", "-", "--raw", "8000,2,PCM_16,9"], "such as 8000,2,PCM_16"),
        (["transcribe", "-", "--raw", "8000,"], "such as 8000,2,PCM_16"),
        (["transcribe", "x.raw", "--raw", "16000"], "x.raw: there is no such file"),
        (["transcribe", "x.wav", "--formt", "txt"], "--formt: no such option; did you mean --format?"),
        (["lm", "train", "x.txt", "--ordre=3", "-o", "x.lm"], "did you mean --order?"),
        (["transcribe", "x.wav", "-a.mp3"], "-a.mp3: no such option; the file of that name is written ./-a.mp3"),
        (["transcribe", "x.wav", "--qqq"], "speech transcribe: error: unrecognized arguments: --qqq"),
        (["lm", "score", "x.lm", "x.txt", "-o", "x"], "speech lm score: error: unrecognized arguments: -o"),
        (["transcribe"], "PATH"),
        (["sing"], "sing"),
        (["transcrbe", "x.wav"], "'transcrbe' is not known; did you mean transcribe?"),
        (["evalute-tts"], "'evalute-tts' is not known; did you mean evaluate-tts?"),
        (["lm", "trian", "x.txt"], "'trian' is not known; did you mean train?"),
        (["transcribe", "x.wav", "--units", "phones"], "--units: 'phones' is not known; did you mean phone?"),
        (["evaluate", "missing.jsonl"], "missing.jsonl"),
        (["evaluate", "bad.jsonl"], "bad.jsonl, row 2"),
        (["evaluate", "bad.jsonl"], "bad.jsonl, row 1: x.flac"),
        (["evaluate", "bad.jsonl", "--by", "age"], "--by age"),
        (["evaluate", "good.jsonl", "--report", "good.jsonl"], "--report good.jsonl: is read by the same command"),
        (["tune", "silent.jsonl", "--dry-run"], "silent.jsonl: its texts hold no words to tune on"),
        (["tune", "good.jsonl", "none.jsonl", "--dry-run"], "none.jsonl: there is no such file"),
        (["tune", "good.jsonl", "--output", "./good.jsonl"], "--output good.jsonl: is read by the same command"),
        (["info", "a_file"], "a_file"),
        (["info", "missing.safetensors"], "missing.safetensors"),
        (["train", "missing.toml"], "missing.toml"),
        (["prepare", "klingon", ".", "--output-dir", "m"], "klingon"),
        (["prepare", "folder", "none", "--output-dir", "m"], "none: there is no such folder"),
        (["prepare", "folder", ".", "--output-dir", "a_file"], "--output-dir a_file: is no folder"),
        (["prepare", "folder", ".", "--output-dir", "m", "--parts", "x"], "--download"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_code_2(tone_command, tmp_path, monkeypatch, capsys, command, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty_folder").mkdir()
    (tmp_path / "a_file").write_text("x")
    (tmp_path / "-a.mp3").touch()
    (tmp_path / "boosts").write_text("Ada\tmuch\n")
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    row = {"audio_filepath": "x.flac", "duration": 1.0, "text": "a"}
    bad = {**row, "duration": "long"}
    (tmp_path / "silent.jsonl").write_text(json.dumps({**row, "text": "..."}) + "\n")
    (tmp_path / "good.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "bad.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(bad) + "\n")
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err


def test_nothing_is_loaded_for_what_is_not_there(tone_command, tmp_path, capsys):
    (tmp_path / "bad.txt").write_text("Ada\tmuch\n")
    (tmp_path / "a.wav").write_bytes(b"")
    assert main(["transcribe", str(tmp_path / "gone.wav")]) == 2
    assert main(["transcribe", str(tmp_path / "a.wav"), "--hotwords", str(tmp_path / "bad.txt")]) == 2
    assert tone_command == []


@pytest.mark.parametrize("typed", [["*"], ["a.wav", "b.flac", "new"]])
def test_the_output_folder_among_the_inputs_needs_no_audio(tone_command, talks, monkeypatch, capsys, typed):
    monkeypatch.chdir(talks)
    (talks / "readme.txt").unlink()
    (talks / "new").mkdir()
    for _ in range(2):
        assert main(["transcribe", *typed, "--output-dir", "new"]) == 0, capsys.readouterr().err
    assert (talks / "new" / "a.txt").read_text() == "alpha one\n"
    assert main(["transcribe", "new", "--output-dir", "new"]) == 2
    assert "new: no audio file in this folder" in capsys.readouterr().err


@needs_a_user
def test_a_folder_that_may_not_be_written(tone_command, talks, tmp_path, capsys):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert main(["transcribe", str(talks), "--output-dir", str(locked / "out")]) == 2
    assert "locked" in capsys.readouterr().err


def test_a_transcript_that_cannot_be_written_fails_alone(tone_command, talks, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "deep").write_text("a file where a folder is needed")
    assert main(["transcribe", str(talks), "--output-dir", str(out)]) == 1
    assert "c.wav: its transcript cannot be written" in capsys.readouterr().err
    assert (out / "a.txt").exists()


# --- the other commands ------------------------------------------------------------------------


def test_evaluate_prints_tables_and_writes_the_report(tone_command, talks, tmp_path, capsys):
    rows = [
        {"audio_filepath": "talks/a.wav", "duration": 3.4, "text": "Alpha one.", "speaker": "s1"},
        {"audio_filepath": "talks/b.flac", "duration": 2.6, "text": "better", "speaker": "s2"},
    ]
    manifest = tmp_path / "test.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = tmp_path / "report.txt"
    command = ["evaluate", str(manifest), "--by", "speaker", "--report", str(report)]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "model tones" in out
    assert "text normalisation en-" in out
    assert re.search(r"^all +2 +3 +33\.33", out, re.MULTILINE)
    assert re.search(r"^s2 +1 +1 +100\.00", out, re.MULTILINE)
    assert "2 of 2 utterances evaluated" in err
    assert "REF: better" in report.read_text()
    model = tmp_path / "model.safetensors"
    model.touch()
    assert main([*command[:2], "--limit", "1", "--model", str(model)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"model tones ({model})\n")
    assert re.search(r"^all +1 +2 +0\.00", out, re.MULTILINE)
    assert main([*command[:2], "--report", str(tmp_path)]) == 2
    assert main([*command[:2], "--report", str(tmp_path / "nowhere" / "report.txt")]) == 2
    assert main([*command[:2], "--report", os.devnull]) == 0
    recording = talks / "a.wav"
    before = recording.read_bytes()
    assert main([*command[:2], "--report", str(recording)]) == 2
    assert "a.wav: is read by the same command and would be lost" in capsys.readouterr().err
    assert recording.read_bytes() == before
    assert not Path(os.devnull).is_file()


def test_a_lack_of_memory_is_told(capsys):
    def run():
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.\nFrame 1")

    assert guarded(run) == 2
    assert "there is not enough memory; ask for less at once (DefaultCPUAllocator" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="a defect"):
        guarded(lambda: (_ for _ in ()).throw(RuntimeError("a defect")))


def test_evaluate_names_bad_rows_and_counts_the_others(tone_command, talks, tmp_path, capsys):
    good = {"audio_filepath": "talks/a.wav", "duration": 3.4, "text": "Alpha one."}
    rows = [json.dumps(row) for row in ({**good, "duration": "x"}, good, {**good, "audio_filepath": "gone.wav"})]
    manifest, report = tmp_path / "test.jsonl", tmp_path / "report.txt"
    manifest.write_text("\n".join([*rows, "{", json.dumps({"duration": 1, "text": "a"})]))
    assert main(["evaluate", str(manifest), "--report", str(report)]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^all +1 +2 +0\.00", out, re.MULTILINE)
    assert "4 of 5 rows are left out" in out
    assert "1 of 5 utterances evaluated" in err
    reasons = ['1: "duration" must be a number', "3: .*gone.wav: ", "4: is not valid JSON", '5: "audio_filepath" is']
    for text in (err, report.read_text()):
        assert all(re.search(rf"test\.jsonl, row {reason}", text) for reason in reasons)


def test_a_run_that_fails_keeps_the_old_report(talks, tmp_path, capsys):
    manifest = tmp_path / "test.jsonl"
    manifest.write_text(json.dumps({"audio_filepath": "talks/a.wav", "duration": 3.4, "text": "a"}) + "\n")
    report = tmp_path / "report.txt"
    report.write_text("precious\n")
    before = sorted(tmp_path.iterdir())
    command = ["evaluate", str(manifest), "--report", str(report), "--model", "missing.safetensors"]
    assert main(command) == 2
    assert "missing.safetensors" in capsys.readouterr().err
    assert report.read_text() == "precious\n"
    assert sorted(tmp_path.iterdir()) == before


def test_info_prints_the_card(tiny_model, capsys):
    assert main(["info", str(tiny_model)]) == 0
    out = capsys.readouterr().out
    assert "name: tiny" in out
    assert "licence: CC0-1.0" in out
    assert "  dev: 99" in out
    assert main(["info", str(tiny_model), "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["data"] == ["nothing"]
    assert card["sha256"] == hashlib.sha256(tiny_model.read_bytes()).hexdigest()


def test_train_hands_over_what_was_typed(monkeypatch, capsys):
    calls = []

    def train(config_path, overrides=(), *, restart=False):
        calls.append((config_path, list(overrides), restart))
        return Path("runs/model.safetensors")

    monkeypatch.setattr("speech.training.train", train)
    assert main(["train", "c.toml", "--set", "training.seed=2", "--set", "a.b=c"]) == 0
    assert main(["train", "c.toml", "--restart"]) == 0
    expected = [("c.toml", ["training.seed=2", "a.b=c"], False), ("c.toml", [], True)]
    assert calls == expected
    assert capsys.readouterr().out == "runs/model.safetensors\n" * 2


def test_prepare_writes_manifests(talks, tmp_path, capsys):
    for path in talks.rglob("*.wav"):
        path.with_suffix(".txt").write_text("some words")
    (talks / "b.flac").unlink()
    (talks / "readme.txt").unlink()
    out = tmp_path / "manifests"
    assert main(["prepare", "folder", str(talks), "--output-dir", str(out)]) == 0
    split, path = capsys.readouterr().out.split()
    assert Path(path).parent == out
    assert len(Path(path).read_text().splitlines()) == 2


@pytest.mark.parametrize(("command", "shown"), [([], "commands:"), (["lm"], "actions:")])
def test_without_a_command_the_help_is_shown(command, shown, capsys):
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: speech")
    assert shown in err
    assert "required" not in err


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_shows_examples(command, capsys):
    assert main([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.count("  speech ") >= 2
    if not command:
        assert all(f"  speech {name} " in out for name in [*COMMANDS, "say"])
    if command:
        assert "example" in out
    assert max(map(len, out.splitlines())) <= 105


def test_commands_of_other_packages_come_in(monkeypatch, capsys):
    class Say:
        name = "say"
        value = "tts.cli"

        @staticmethod
        def load():
            class Module:
                @staticmethod
                def add_parser(subparsers):
                    subparsers.add_parser("say").set_defaults(run=lambda arguments: 7)

            return Module

    class Broken:
        name = "broken"
        value = "gone.cli"

        @staticmethod
        def load():
            raise ImportError("no module named gone")

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Say, Broken])
    assert main(["say"]) == 7
    assert "'broken' cannot be loaded" in capsys.readouterr().err
    assert main(["train", "missing.toml"]) == 2  # ours do not look for others
    assert "broken" not in capsys.readouterr().err


# --- terminals, pipes, signals -----------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("length", [1, 62, 63, 64, 300])
def test_a_long_name_leaves_room_for_the_time(length):
    out = Terminal()
    Progress(total=10, out=out).working("a" * length + ".wav", 75.2)
    line = out.getvalue()
    assert len(line) <= 78
    assert line.startswith("[1/10] ")
    assert line.endswith("a.wav  1:15")
    assert ("..." in line) == (7 + length + 4 + 6 > 78)


def test_plain_lines_are_few_and_tell_what_is_left(monkeypatch):
    now = 0.0
    monkeypatch.setattr("speech.commands.progress.time.monotonic", lambda: now)
    out = io.StringIO()
    progress = Progress(total=40, unit="utterances", interval_s=10.0, out=out)
    for batch in range(4):  # ten rows after every 6 seconds, all at once
        now = 6.0 * (batch + 1)
        for row in range(10):
            progress.done(f"row {10 * batch + row + 1}", 2.0)
    assert out.getvalue().splitlines() == [
        "[11/40] row 11  2.0 s, about 12.0 s left",
        "[31/40] row 31  2.0 s, about 0.0 s left",
    ]


def test_a_terminal_gets_one_changing_line():
    out = Terminal()
    progress = Progress(total=3, out=out)
    progress.working("a.wav", 12.0)
    progress.done("a.wav", 30.0)
    progress.failed("b.wav", "b.wav: is empty.")
    progress.done("c.wav", 30.0)
    progress.summary()
    text = out.getvalue()
    assert "\r" in text
    assert "speech: b.wav: is empty.\n" in text
    assert "2 of 3 files transcribed (1:00 of audio" in text


@pytest.mark.parametrize("command", [["lm", "train"], ["transcribe"], ["lm", "score"]])
def test_help_names_defaults_alike(capsys, command):
    assert main([*command, "--help"]) == 0
    assert not re.findall(r"\((?:\d+|word)\)", " ".join(capsys.readouterr().out.split()))


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (CorpusError("a.jsonl: row 3 has no text"), 2, "prepare: a.jsonl: row 3 has no text\n"),
        (KeyboardInterrupt("run it again"), 130, "prepare: interrupted; run it again\n"),
    ],
)
def test_a_script_reports_errors_as_the_command_does(capsys, error, code, message):
    def fail():
        raise error

    assert guarded(fail, program="prepare") == code
    assert capsys.readouterr().err == message


def test_a_lack_of_memory_is_one_sentence(capsys):
    def greedy():
        np.zeros(1 << 55)

    assert guarded(greedy) == 2
    assert re.search(r"^speech: there is not enough memory \(.*\); ask for less at once\n$", capsys.readouterr().err)


def test_a_script_that_ends_well_or_has_a_defect():
    assert guarded(lambda: None) == 0
    assert guarded(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        guarded(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("number", "code", "how"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_an_interrupt_of_a_nested_command_ends_the_program(monkeypatch, capsys, number, code, how):
    monkeypatch.setattr("speech.commands.info.run", lambda _: os.kill(os.getpid(), number) or time.sleep(5))
    went_on = []
    assert guarded(lambda: nested(["info"]) or went_on.append("what follows"), "recipe") == code
    assert not went_on
    assert capsys.readouterr().err == f"recipe: {how}\n"


def test_an_error_of_a_nested_command_is_told(capsys, tmp_path):
    assert guarded(lambda: nested(["info", str(tmp_path / "gone")]) + 1) == 3
    assert capsys.readouterr().err.startswith(f"speech: {tmp_path}/gone")


def run_speech(*arguments: str, **options) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-m", "speech.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, **options)


def test_a_reader_that_leaves(tiny_model, talks):
    process = run_speech("transcribe", str(talks), "--model", str(tiny_model))
    process.stdout.close()
    with process.stderr:
        err = process.stderr.read().decode()
    assert process.wait(timeout=60) == 141
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@pytest.mark.parametrize("name", ["café.wav", "caf\udce9.wav", "\U0001f600.wav"])
def test_names_that_the_terminal_cannot_show(name, tmp_path):
    if os.name != "posix":
        pytest.skip("names are bytes on POSIX only")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "speech.cli", "transcribe", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    shown = name.encode("ascii", ESCAPE)
    assert shown + b": there is no such file" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_an_output_that_is_full_or_closed(tiny_model, talks):
    command = f"{sys.executable} -m speech.cli"
    for arguments, code in (
        ("info --model M > /dev/full", 2),
        ("info gone.safetensors 2> /dev/full", 2),
        ("transcribe gone.wav T --model M 2> /dev/full", 2),
        ("transcribe T --model M >&-", 0),
    ):
        arguments = arguments.replace("M", str(tiny_model)).replace("T", str(talks / "a.wav"))
        done = subprocess.run(f"{command} {arguments}", shell=True, capture_output=True, text=True, timeout=120)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    done = subprocess.run(f"{command} transcribe - <&-", shell=True, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "standard input: is closed" in done.stderr


def test_an_interrupted_run_keeps_what_is_done_and_says_so(tone_command, talks, tmp_path, capsys, monkeypatch):
    class Interrupted:
        def transcribe_many(self, sources, **options):
            yield from tone_transcriber().transcribe_many(sources[:1])
            raise KeyboardInterrupt

    monkeypatch.setattr("speech.loading.load_model", lambda *_, **__: Interrupted())
    out = tmp_path / "out"
    assert main(["transcribe", str(talks), "--output-dir", str(out)]) == 130
    err = capsys.readouterr().err
    assert "1 of 3 files transcribed" in err
    assert "run it again to go on" in err
    assert [path.name for path in out.glob("[!.]*")] == ["a.txt"]


def test_a_plain_process_with_a_real_model_file(tiny_model, talks, tmp_path):
    out = tmp_path / "out"
    process = run_speech(
        "transcribe", str(talks), str(talks / "gone.wav"), "--model", str(tiny_model),
        "--format", "json", "--output-dir", str(out), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "3 of 4 files transcribed" in err.decode()
    assert json.loads((out / "a.json").read_text())["model"] == "tiny"


def test_the_program_ends_at_once_but_leaves_nothing_undone():
    code = """
import atexit, sys
from speech.cli import run
sys.argv = ["speech", "--version"]
atexit.register(print, "last")
run()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("speech-toolkit ")
    assert done.stdout.endswith("last\n")
