"""Manifests: what is written is read back, and every bad row is named."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.corpus import Utterance, checked_rows, read_manifest, write_manifest
from speech.errors import CorpusError

GOOD = {"audio_filepath": "a.wav", "duration": 1.5, "text": "hello"}


def save(folder: Path, *rows) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_round_trip(tmp_path):
    utterances = [
        Utterance(tmp_path / "wavs/a.wav", 1.5, "Hällo “you”"),
        Utterance(Path("/elsewhere/b.flac"), 2.25, "", 0.5, "anna", "en", 0.75, "books"),
    ]
    path = tmp_path / "m.jsonl"
    write_manifest(path, utterances)
    assert read_manifest(path) == utterances
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {"audio_filepath": "wavs/a.wav", "duration": 1.5, "text": "Hällo “you”"}
    assert second["audio_filepath"] == "/elsewhere/b.flac"
    assert list(tmp_path.iterdir()) == [path]


@given(
    st.lists(
        st.builds(
            Utterance,
            audio_filepath=st.just(Path("/x/y.wav")),
            duration=st.floats(0.01, 1e5).map(lambda value: round(value, 6)),
            text=st.text(),
            offset=st.floats(0, 1e5).map(lambda value: round(value, 6)),
            speaker=st.none() | st.text(),
            confidence=st.none() | st.floats(0, 1),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_survives(tmp_path_factory, utterances):
    path = tmp_path_factory.mktemp("m") / "m.jsonl"
    write_manifest(path, utterances)
    assert read_manifest(path) == utterances


def test_paths_count_from_the_manifest(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    path = save(tmp_path / "sub", GOOD)
    monkeypatch.chdir(tmp_path)
    assert read_manifest("sub/rows.jsonl")[0].audio_filepath == Path("sub/a.wav")
    with pytest.raises(CorpusError, match=r"rows\.jsonl, row 1: there is no audio file .*a\.wav"):
        read_manifest(path, check_audio=True)
    long = save(tmp_path, GOOD | {"audio_filepath": "x" * 300 + ".wav"})
    with pytest.raises(CorpusError, match=r"rows\.jsonl, row 1: there is no audio file"):
        read_manifest(long, check_audio=True)
    (tmp_path / "sub/a.wav").touch()
    assert len(read_manifest(path, check_audio=True)) == 1


def test_other_keys_of_nemo_are_ignored(tmp_path):
    extra = {"pred_text": "x", "speaker_id": 3, "text_tn": "y", "orig_sr": 1, "source_lang": "en", "label": "z"}
    assert read_manifest(save(tmp_path, GOOD | extra, "", GOOD))[0].text == "hello"


def test_null_is_absent_and_bytes_mark_is_skipped(tmp_path):
    path = save(tmp_path, "\ufeff" + json.dumps(GOOD | {"speaker": None, "offset": None}), "")
    assert read_manifest(path) == [Utterance(tmp_path / "a.wav", 1.5, "hello")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{bad", "is not valid JSON .*column 2"),
        ("[1]", "must be a JSON object"),
        ({"audio_filepath": "a.wav", "duration": 1}, '"text" is missing'),
        ({"audio_filepath": "a.wav", "text": "x"}, '"duration" is missing'),
        ({"audio_path": "a.wav", "duration": 1, "text": "x"}, '"audio_filepath" is missing; "audio_path" should be'),
        (GOOD | {"duration": 0}, '"duration" must be above 0 s, got 0'),
        (GOOD | {"duration": -1.5}, '"duration" must be above 0 s, got -1.5'),
        (GOOD | {"duration": "1.5"}, '"duration" must be a number, got "1.5"'),
        (GOOD | {"duration": True}, '"duration" must be a number, got true'),
        (GOOD | {"duration": float("nan")}, '"duration" must be a number, got NaN'),
        (GOOD | {"duration": float("inf")}, '"duration" must be a number, got Infinity'),
        (GOOD | {"duration": 10**400}, '"duration" must be less than 1e'),
        (GOOD | {"text": "half \ud83d"}, '"text" holds half a character'),
        (GOOD | {"text": 7}, '"text" must be text, got 7'),
        (GOOD | {"audio_filepath": ""}, '"audio_filepath" is empty'),
        (GOOD | {"speaker": 12}, '"speaker" must be text, got 12'),
        (GOOD | {"offset": -0.1}, '"offset" must be 0 s or more'),
        (GOOD | {"confidence": 1.2}, '"confidence" must be in 0..1, got 1.2'),
        (GOOD | {"confidance": 0.5}, 'unknown key "confidance"; did you mean "confidence"'),
        (GOOD | {"offest": 0.5}, 'unknown key "offest"; did you mean "offset"'),
        (GOOD | {"txet": "x"}, 'unknown key "txet"; did you mean "text"'),
        (GOOD | {"Speaker": "x"}, 'unknown key "Speaker"; did you mean "speaker"'),
    ],
)
def test_bad_rows_are_named(tmp_path, row, message):
    path = save(tmp_path, GOOD, row, GOOD)
    with pytest.raises(CorpusError, match=rf"rows\.jsonl, row 2: {message}"):
        read_manifest(path)


def test_bad_files_are_named(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.jsonl: there is no such file"):
        read_manifest(tmp_path / "none.jsonl")
    with pytest.raises(CorpusError, match="has no utterances"):
        read_manifest(save(tmp_path, "", " "))
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "\xff"}')
    with pytest.raises(CorpusError, match=r"a\.jsonl, row 1: is not UTF-8 text \(byte 11\)"):
        read_manifest(tmp_path / "a.jsonl")
    (tmp_path / "a.wav").write_bytes(b"RIFF\xff\xfe\x80")
    with pytest.raises(CorpusError, match=r"a\.wav: is a recording; a manifest has one object a line"):
        read_manifest(tmp_path / "a.wav")
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match="cannot be written"):
        write_manifest(tmp_path / "file/m.jsonl", [])


def test_bad_rows_stand_among_the_others_unless_all_are_bad(tmp_path):
    path = tmp_path / "rows.jsonl"
    good = '{"audio_filepath": "a.wav", "duration": 1, "text": "a"}'
    path.write_text(f"{{\n{good}\n\n[]\n")
    rows = dict(checked_rows(path))
    assert list(rows) == [1, 2, 4]
    assert str(rows[1]).startswith(f"{path}, row 1: is not valid JSON")
    assert rows[2] == read_manifest_row(tmp_path, good)
    assert isinstance(rows[4], CorpusError)
    path.write_text("some\ntext\n")
    with pytest.raises(CorpusError, match="row 1: is not valid JSON"):
        checked_rows(path)


def test_a_row_that_is_no_text_is_named_and_the_others_are_read(tmp_path):
    good = json.dumps(GOOD).encode()
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + good + b"\r\n" + good.replace(b"hello", b"caf\xe9") + b"\n" + good + b"\n")
    rows = dict(checked_rows(path))
    assert rows[1] == rows[3] == Utterance(tmp_path / "a.wav", 1.5, "hello")
    assert str(rows[2]) == f"{path}, row 2: is not UTF-8 text (byte {good.index(b'hello') + 4})"
    with pytest.raises(CorpusError, match=r"rows\.jsonl, row 2: is not UTF-8 text"):
        read_manifest(path)


def read_manifest_row(folder, line):
    (folder / "one.jsonl").write_text(line)
    return read_manifest(folder / "one.jsonl")[0]
