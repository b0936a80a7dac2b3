"""Files appear complete or not at all, whoever writes them; no text is impossible to write."""

import os

import numpy as np
import pytest

from ctc.ngram import NGram
from speech import audio
from speech.checkpoint import write_atomically
from speech.commands.outputs import write_text
from speech.corpus import Utterance, read_manifest, write_manifest
from speech.files import ESCAPE, replacing, set_aside
from speech.lm import EstimationConfig, estimate, save, write_arpa


def tiny_lm() -> NGram:
    return estimate(["a b", "a c"], EstimationConfig(order=2, discount_fallback=True))


WRITERS = {
    "audio.wav": lambda path: audio.write(path, np.zeros(100), 16_000),
    "checkpoint": lambda path: write_atomically(path, lambda file: file.write(b"new")),
    "text.txt": lambda path: write_text(path, "new"),
    "rows.jsonl": lambda path: write_manifest(path, [Utterance(path, 1.0, "new")]),
    "words.arpa": lambda path: write_arpa(path, tiny_lm()),
    "words.lm": lambda path: save(path, tiny_lm()),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_interrupted_leaves_nothing_behind(tmp_path, monkeypatch, name):
    def interrupt(*_):
        raise KeyboardInterrupt

    (tmp_path / name).write_text("old")
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        WRITERS[name](tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "old"
    monkeypatch.undo()
    WRITERS[name](tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() != b"old"


def test_links_are_followed_and_devices_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with replacing(tmp_path / "link") as partial:
        partial.write_text("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"
    with replacing(os.devnull) as partial:
        assert str(partial) == os.devnull


def test_two_writers_of_names_that_begin_alike_do_not_meet(tmp_path):
    one, two = tmp_path / ("x" * 60 + "1"), tmp_path / ("x" * 60 + "2")
    with replacing(one) as first, replacing(two) as second:
        first.write_text("1")
        second.write_text("2")
    assert (one.read_text(), two.read_text()) == ("1", "2")


def test_the_longest_name(tmp_path):
    write_text(tmp_path / ("x" * 255), "text")
    assert os.listdir(tmp_path) == ["x" * 255]


def test_any_text_can_be_written(tmp_path):
    write_text(tmp_path / "a.txt", "\udce9 \ud83d é")
    assert (tmp_path / "a.txt").read_bytes() == b"\xe9 \\ud83d \xc3\xa9"
    assert "é\U0001f600".encode("ascii", ESCAPE) == b"\\u00e9\\ud83d\\ude00"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", ESCAPE)


def test_a_manifest_keeps_names_that_are_not_text(tmp_path):
    write_manifest(tmp_path / "rows.jsonl", [Utterance(tmp_path / "caf\udce9.wav", 1.0, "é")])
    assert read_manifest(tmp_path / "rows.jsonl")[0].audio_filepath == tmp_path / "caf\udce9.wav"


def test_what_is_set_aside_replaces_nothing(tmp_path):
    names = []
    for number in range(3):
        (tmp_path / "a.jsonl").write_text(str(number))
        names.append(set_aside(tmp_path / "a.jsonl").name)
    assert names == ["a.jsonl.old", "a.jsonl.2.old", "a.jsonl.3.old"]
    assert (tmp_path / "a.jsonl.old").read_text() == "0"
