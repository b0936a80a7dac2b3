"""`speech align`: files, levels, manifests, and what is refused."""

import json

import numpy as np
import pytest
import soundfile

from speech.aligner import Aligner
from speech.cli import main
from speech.corpus import Utterance, write_manifest


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Two seconds of noise that rises and falls, which any text may be laid over."""
    folder = tmp_path_factory.mktemp("align")
    random = np.random.default_rng(0)
    envelope = 0.1 * (1 + np.sin(np.arange(32_000) / 2000))
    soundfile.write(folder / "a.wav", envelope * random.normal(0, 0.3, 32_000), 16_000)
    (folder / "a.txt").write_text("Hello there, well-known world!")
    return folder


def test_words_and_phones_tile_the_recording(recording, tmp_path, capsys):
    files = [str(recording / "a.wav"), str(recording / "a.txt")]
    assert main(["align", *files, "--format", "json,textgrid,ctm,srt", "--output-dir", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "a.json").read_text())
    assert [word["word"] for word in found["words"]] == ["hello", "there", "well", "known", "world"]
    phones = found["phones"]
    assert phones[0]["start_s"] == 0
    assert phones[-1]["end_s"] == found["duration_s"] == 2.0
    assert all(one["end_s"] == two["start_s"] for one, two in zip(phones[:-1], phones[1:], strict=True))
    assert all(0 <= phone["score"] <= 1 for phone in phones)
    text = (tmp_path / "a.TextGrid").read_text()
    assert 'name = "words"' in text
    assert 'name = "phones"' in text
    assert len((tmp_path / "a.ctm").read_text().splitlines()) == 5
    assert "Hello there, well-known world!" in (tmp_path / "a.srt").read_text()
    assert (tmp_path / "a.phones.ctm").is_file()
    assert "do not sound like the text" in capsys.readouterr().err


def test_an_utterance_is_aligned_alike_alone_and_among_others(recording, tmp_path):
    rows = [Utterance(recording / "a.wav", 2.0, text) for text in ("hello world", "some other words", "hello world")]
    write_manifest(tmp_path / "rows.jsonl", rows)
    assert main(["align", str(tmp_path / "rows.jsonl"), "--format", "json", "--output-dir", str(tmp_path)]) == 0
    found = [json.loads((tmp_path / f"a_{number}.json").read_text()) for number in (1, 2, 3)]
    assert found[0] == found[2]
    alone = Aligner.load().align(recording / "a.wav", "hello world")
    assert [word.start_s for word in alone.words] == pytest.approx([w["start_s"] for w in found[0]["words"]], abs=1e-3)


def test_bad_rows_are_named_and_the_others_go_on(recording, tmp_path, capsys):
    texts = ["hello 世界", "", " ".join(["word"] * 500), "hello"]
    write_manifest(tmp_path / "rows.jsonl", [Utterance(recording / "a.wav", 2.0, text) for text in texts])
    assert main(["align", str(tmp_path / "rows.jsonl"), "--output-dir", str(tmp_path), "--level", "word"]) == 1
    err = capsys.readouterr().err
    assert "世界" in err
    assert "row 2: has no text" in err
    assert "needs" in err or "need" in err
    assert (tmp_path / "a_4.TextGrid").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.wav"], "add the file with its text"),
        (["a.wav", "missing.txt"], "missing.txt: there is no such file"),
        (["a.wav", "a.txt", "--level", "letter"], "known levels are"),
        (["a.wav", "a.txt", "--level", "phone", "--format", "srt"], "holds words only"),
        (["a.wav", "a.txt", "--lexicon", "bad.tsv"], "bad.tsv, row 1: unknown phone"),
        (["short.wav", "a.txt"], "short"),
    ],
)
def test_what_is_refused(recording, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(recording)
    (recording / "bad.tsv").write_text("hello\tQQ\n")
    soundfile.write("short.wav", np.zeros(420), 16_000)
    assert main(["align", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_long_recording_is_aligned_in_pieces(recording, tmp_path, capsys):
    waveform, rate = soundfile.read(recording / "a.wav")
    soundfile.write(tmp_path / "long.wav", np.tile(waveform, 70)[: 130 * rate + 77], rate)
    (tmp_path / "long.txt").write_text("hello there well known world " * 60)
    files = [str(tmp_path / "long.wav"), str(tmp_path / "long.txt")]
    assert main(["align", *files, "--format", "json,textgrid", "--output-dir", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "long.json").read_text())
    assert [word["word"] for word in found["words"]] == "hello there well known world".split() * 60
    phones = found["phones"]
    assert (phones[0]["start_s"], phones[-1]["end_s"]) == (0, found["duration_s"])
    assert all(one["end_s"] == two["start_s"] for one, two in zip(phones[:-1], phones[1:], strict=True))
    assert "is not what is heard" in capsys.readouterr().err


def test_a_row_is_only_its_part_of_the_file(recording, tmp_path):
    write_manifest(tmp_path / "rows.jsonl", [Utterance(recording / "a.wav", 1.2, "hello")])
    assert main(["align", str(tmp_path / "rows.jsonl"), "--format", "json", "--output-dir", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "a.json").read_text())["duration_s"] == 1.2
