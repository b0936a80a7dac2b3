"""`speech align`: files, levels, manifests, what is done again, and what is refused.

The recordings are noise, so that every text is doubted: the exit code is 3 where all is done.
"""

import argparse
import errno
import io
import itertools
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech import audio
from speech.aligner import Aligner
from speech.cli import main
from speech.commands.align import _told
from speech.commands.alignments import AlignmentOutput
from speech.commands.done import DoneRecord
from speech.commands.pairs import Pair
from speech.commands.progress import Progress
from speech.corpus import Utterance, write_manifest
from speech.errors import CorpusError
from speech.loading import DEFAULT_MODEL
from speech.long_alignment import Mismatch


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
    assert main(["align", *files, "--format", "json,textgrid,ctm,srt", "--output-dir", str(tmp_path)]) == 3
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


def test_one_file_is_written_in_the_format_of_its_ending(recording, tmp_path, capsys):
    files = [str(recording / "a.wav"), str(recording / "a.txt")]
    assert main(["align", *files, "-o", str(tmp_path / "new.srt")]) == 3
    assert "Hello there, well-known world!" in (tmp_path / "new.srt").read_text()
    if os.path.exists("/dev/full"):
        assert main(["align", *files, "-o", "/dev/full"]) == 2
        assert "its alignment cannot be written (No space left on device)" in capsys.readouterr().err


def test_an_utterance_is_aligned_alike_alone_and_among_others(recording, tmp_path):
    rows = [Utterance(recording / "a.wav", 2.0, text) for text in ("hello world", "some other words", "hello world")]
    write_manifest(tmp_path / "rows.jsonl", rows)
    assert main(["align", str(tmp_path / "rows.jsonl"), "--format", "json", "--output-dir", str(tmp_path)]) == 3
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
    assert "rows.jsonl, row 3: the text's 500 words are too long for 2.00 s; is it the right text?" in err
    assert (tmp_path / "a_4.TextGrid").is_file()


def test_malformed_rows_are_named_and_the_others_go_on(recording, tmp_path, capsys):
    rows = [{"audio_filepath": str(recording / "a.wav"), "duration": seconds, "text": "hi"} for seconds in (2, "x", 2)]
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("\n".join([*map(json.dumps, rows), "{"]))
    assert main(["align", str(manifest), "--output-dir", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert 'rows.jsonl, row 2: "duration" must be a number' in err
    assert "rows.jsonl, row 4: is not valid JSON" in err
    assert "2 of 4 files aligned" in err
    assert (tmp_path / "a_1.TextGrid").is_file()
    assert (tmp_path / "a_3.TextGrid").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-"], "standard input holds the recording or the text, not both"),
        (["a.wav", "."], ".: cannot be read (Is a directory)"),
        (["a.wav", "a.wav"], "a.wav: is not text in UTF-8 (byte "),
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


def test_a_long_recording_is_aligned_in_pieces(recording, tmp_path, capsys, monkeypatch):
    waveform, rate = soundfile.read(recording / "a.wav")
    soundfile.write(tmp_path / "long.wav", np.tile(waveform, 70)[: 130 * rate + 77], rate)
    (tmp_path / "long.txt").write_text("hello there well known world " * 60)
    files = [str(tmp_path / "long.wav"), str(tmp_path / "long.txt")]
    shown = []
    monkeypatch.setattr(Progress, "working", lambda _, name, seconds: shown.append((Path(name).name, seconds)))
    assert main(["align", *files, "--format", "json,textgrid", "--output-dir", str(tmp_path)]) == 3
    assert [name for name, _ in itertools.groupby(name for name, _ in shown)] == [
        "long.wav",
        "long.wav, heard",
        "long.wav, aligned",
    ]
    found = json.loads((tmp_path / "long.json").read_text())
    assert [word["word"] for word in found["words"]] == "hello there well known world".split() * 60
    phones = found["phones"]
    assert (phones[0]["start_s"], phones[-1]["end_s"]) == (0, found["duration_s"])
    assert all(one["end_s"] == two["start_s"] for one, two in zip(phones[:-1], phones[1:], strict=True))
    assert "is not what is heard" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error_rate", "told"), [(0.72, "72% of it differs"), (1181.67, "more is said than the text has")]
)
def test_how_much_differs_is_never_more_than_all(error_rate, told):
    place = {"start_s": 1.0, "end_s": 140.0, "first_word": 0, "end_word": 1}
    message = _told(Mismatch(**place, text="hello", heard="go on " * 99, error_rate=error_rate))
    assert message.startswith('1.0 to 140.0 s: the text "hello" is not what is heard there ("go on go on')
    assert message.endswith(f' ...", {told})')


def test_a_row_is_only_its_part_of_the_file(recording, tmp_path):
    write_manifest(tmp_path / "rows.jsonl", [Utterance(recording / "a.wav", 1.2, "hello")])
    assert main(["align", str(tmp_path / "rows.jsonl"), "--format", "json", "--output-dir", str(tmp_path)]) == 3
    assert json.loads((tmp_path / "a.json").read_text())["duration_s"] == 1.2


def test_what_was_made_of_something_else_is_made_again(recording, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("hello there")
    (tmp_path / "names.tsv").write_text("hello\tHH AH0 L OW1\n")
    command = ["align", str(recording / "a.wav"), str(tmp_path / "a.txt"), "--output-dir", str(tmp_path / "out")]
    output = tmp_path / "out" / "a.TextGrid"

    def is_new(*options: str) -> bool:
        os.utime(output, (0, 0))
        assert main([*command, *options]) == 3
        capsys.readouterr()
        return output.stat().st_mtime > 0

    assert main(command) == 3
    assert not is_new()
    assert is_new("--level", "word")
    assert not is_new("--level", "word")
    assert is_new("--level", "word", "--lexicon", str(tmp_path / "names.tsv"))
    (tmp_path / "names.tsv").write_text("hello\tHH EH0 L OW1\n")
    assert is_new("--level", "word", "--lexicon", str(tmp_path / "names.tsv"))
    (tmp_path / "a.txt").write_text("hello world")
    assert is_new("--level", "word", "--lexicon", str(tmp_path / "names.tsv"))
    assert '"world"' in output.read_text()
    assert is_new("--level", "word", "--lexicon", str(tmp_path / "names.tsv"), "--overwrite")


def test_what_others_wrote_is_left_alone(recording, tmp_path, capsys):
    for name in ("a.wav", "a.txt"):
        (tmp_path / name).write_bytes((recording / name).read_bytes())
    (tmp_path / "a.TextGrid").write_text("by hand")
    command = ["align", str(tmp_path / "a.wav"), str(tmp_path / "a.txt"), "--format", "txt,textgrid,json"]
    command += ["--output-dir", str(tmp_path)]
    for _ in range(2):
        assert main(command) == 3
        assert (tmp_path / "a.TextGrid").read_text() == "by hand"
        assert (tmp_path / "a.txt").read_text() == (recording / "a.txt").read_text()
        assert (tmp_path / "a.json").is_file()
    err = capsys.readouterr().err
    assert "a.TextGrid: not written by this command, or changed since, so left as it is" in err
    assert "a.txt: is read by the same command, so left as it is; name another --output-dir" in err
    assert "1 already done" in err
    assert main([*command[:-3], "textgrid", *command[-2:], "--overwrite"]) == 3
    assert "ooTextFile" in (tmp_path / "a.TextGrid").read_text()


def test_a_model_without_a_framewise_head_is_named(recording, capsys):
    model = str(DEFAULT_MODEL)
    assert main(["align", str(recording / "a.wav"), str(recording / "a.txt"), "--model", model]) == 2
    assert f"speech: {model}: the model has no framewise phone head" in capsys.readouterr().err


def test_lines_of_the_text_stay_lines(recording, tmp_path, capsys):
    (tmp_path / "b.txt").write_bytes("\ufeffHello,\r\n  there --\r\n\r\nyou!\n\n".encode())
    assert main(["align", str(recording / "a.wav"), str(tmp_path / "b.txt"), "--format", "txt", "--level", "word"]) == 3
    assert capsys.readouterr().out == "Hello,\nthere --\n\nyou!\n"


def test_the_text_that_is_read_is_never_written(recording, tmp_path, capsys):
    for name in ("a.wav", "a.txt"):
        (tmp_path / name).write_bytes((recording / name).read_bytes())
    command = ["align", str(tmp_path / "a.wav"), str(tmp_path / "a.txt"), "--format", "txt"]
    assert main([*command, "--output-dir", str(tmp_path), "--overwrite"]) == 3
    assert "a.txt: is read by the same command, so left as it is" in capsys.readouterr().err
    assert (tmp_path / "a.txt").read_text() == (recording / "a.txt").read_text()


def test_faults_of_a_text_are_told_with_its_line(recording, tmp_path, capsys):
    (tmp_path / "b.txt").write_text("one\n\nthen 1. is\n")
    assert main(["align", str(recording / "a.wav"), str(tmp_path / "b.txt")]) == 2
    assert f'{tmp_path / "b.txt"}, line 3: "1." has digits: write the number in words' in capsys.readouterr().err


def test_words_and_phones_are_two_lists(recording, capsys):
    assert main(["align", str(recording / "a.wav"), str(recording / "a.txt"), "--format", "ctm"]) == 2
    assert "name one --level, or use --output-dir DIR" in capsys.readouterr().err


def test_another_part_of_a_recording_is_another_source(recording, tmp_path, capsys):
    text, wav = (recording / "a.txt").read_text().split()[0], str(recording / "a.wav")
    out = ["--format", "json", "--output-dir", str(tmp_path / "out")]
    for name, offset in (("one", 0.0), ("two", 0.25)):
        row = {"audio_filepath": wav, "duration": 0.5, "offset": offset, "text": text}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row))
    assert main(["align", str(tmp_path / "one.jsonl"), *out]) in (0, 3)
    assert main(["align", str(tmp_path / "two.jsonl"), *out]) == 2
    assert f"a is for {wav}; name another --output-dir" in capsys.readouterr().err
    record = tmp_path / "out" / ".speech-align.jsonl"  # as versions wrote it that told of no parts
    record.write_text(record.read_text().replace('"digests"', '"other"'))
    assert main(["align", str(tmp_path / "two.jsonl"), *out]) in (0, 3)
    (tmp_path / "two.jsonl").write_text(json.dumps({**row, "offset": 0.3}))  # corrected
    assert main(["align", str(tmp_path / "two.jsonl"), *out]) in (0, 3)
    assert main(["align", str(tmp_path / "one.jsonl"), *out]) == 2


def test_what_was_left_alone_is_written_once_it_is_gone(recording, tmp_path, capsys):
    (tmp_path / "a.srt").write_text("by hand")
    command = ["align", str(recording / "a.wav"), str(recording / "a.txt"), "--format", "srt", "--level", "word"]
    command += ["--output-dir", str(tmp_path)]
    main(command)
    (tmp_path / "a.srt").unlink()
    main(command)
    assert "-->" in (tmp_path / "a.srt").read_text()
    assert "already done" not in capsys.readouterr().err


def test_another_recording_of_the_same_name_is_not_replaced(recording, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.wav").write_bytes((recording / "a.wav").read_bytes())
    text, output = str(recording / "a.txt"), ["--format", "ctm", "--output-dir", str(tmp_path)]
    main(["align", str(recording / "a.wav"), text, *output])
    before = {path: path.read_bytes() for path in tmp_path.glob("a.*")}
    assert main(["align", str(tmp_path / "other" / "a.wav"), text, *output]) == 2
    assert "name another --output-dir, or add --overwrite" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in tmp_path.glob("a.*")} != {}
    assert main(["align", str(tmp_path / "other" / "a.wav"), text, *output, "--overwrite"]) == 3


def test_a_damaged_line_of_the_record_counts_as_nothing(recording, tmp_path):
    command = ["align", str(recording / "a.wav"), str(recording / "a.txt"), "--format", "ctm", "--level", "word"]
    command += ["--output-dir", str(tmp_path)]
    assert main(command) == 3
    record = tmp_path / ".speech-align.jsonl"
    record.write_text(record.read_text() + '\n{"name": "a"}\n')
    assert main(command) == 3


def test_a_doubt_is_told_again_and_a_lost_file_made_again(recording, tmp_path, capsys):
    command = ["align", str(recording / "a.wav"), str(recording / "a.txt"), "--format", "ctm,json"]
    command += ["--output-dir", str(tmp_path)]
    assert main(command) == 3
    capsys.readouterr()
    record = tmp_path / ".speech-align.jsonl"
    record.write_text(record.read_text() + '\n{"name": "a", "ke')  # a crash
    assert main(command) == 3
    err = capsys.readouterr().err
    assert "1 already done" in err
    assert "do not sound like the text" in err
    (tmp_path / "a.phones.ctm").unlink()
    assert main(command) == 3
    assert (tmp_path / "a.phones.ctm").is_file()
    record.write_text("{what}\n")
    assert main(command) == 2
    assert ".speech-align.jsonl: cannot be read" in capsys.readouterr().err


def test_files_of_a_run_that_broke_off_do_not_count_as_those_of_another(recording, tmp_path, monkeypatch, capsys):
    command = ["align", str(recording / "a.wav"), str(recording / "a.txt"), "--format", "ctm,json"]
    command += ["--output-dir", str(tmp_path)]
    assert main(command) == 3
    before = (tmp_path / "a.json").read_text()

    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DoneRecord, "add", broken)
        assert main([*command, "--level", "word"]) == 2
    assert (tmp_path / "a.json").read_text() != before
    assert main(command) == 3
    assert "already done" not in capsys.readouterr().err
    assert (tmp_path / "a.json").read_text() == before


def test_a_recording_that_is_replaced_meanwhile_is_not_done(recording, tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.wav"
    path.write_bytes((recording / "a.wav").read_bytes())
    command = ["align", str(path), str(recording / "a.txt"), "--output-dir", str(tmp_path / "out")]
    align = Aligner.align

    def slow(*arguments, **options):
        found = align(*arguments, **options)
        os.utime(path, (1, 1))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Aligner, "align", slow)
        assert main(command) == 3
    capsys.readouterr()
    assert main(command) == 3
    assert "already done" not in capsys.readouterr().err


def test_a_lexicon_that_may_not_be_read_is_named(recording, tmp_path, monkeypatch, capsys):
    lexicon = tmp_path / "names.tsv"
    lexicon.write_text("hello\tHH AH0 L OW1\n")
    real = open

    def refusing(file, *arguments, **options):
        if str(file) == str(lexicon):
            raise PermissionError(13, "Permission denied", str(lexicon))
        return real(file, *arguments, **options)

    monkeypatch.setattr("builtins.open", refusing)
    monkeypatch.setattr("io.open", refusing)
    command = ["align", str(recording / "a.wav"), str(recording / "a.txt"), "--lexicon", str(lexicon)]
    assert main([*command, "--output-dir", str(tmp_path)]) == 2
    assert "names.tsv" in capsys.readouterr().err


def test_rows_have_files_of_their_own_and_are_named_by_their_line(recording, tmp_path, capsys):
    for name in ("a", "a_1"):
        (tmp_path / f"{name}.wav").write_bytes((recording / "a.wav").read_bytes())
    rows = [("a", "hello"), ("a", "世界"), ("a", "world"), ("a_1", "there")]
    lines = [json.dumps({"audio_filepath": f"{name}.wav", "duration": 2, "text": text}) for name, text in rows]
    (tmp_path / "rows.jsonl").write_text("\n\n".join(lines))
    out = tmp_path / "out"
    assert main(["align", str(tmp_path / "rows.jsonl"), "--format", "json,ctm", "--output-dir", str(out)]) == 1
    recordings = {path.stem: path.read_text().split()[0] for path in out.glob("*.phones.ctm")}
    assert recordings == {f"{name}.phones": name for name in ("a_1_1", "a_5", "a_1_7")}
    words = {path.stem: json.loads(path.read_text())["text"] for path in out.glob("*.json")}
    assert words == {"a_1_1": "hello", "a_5": "world", "a_1_7": "there"}
    assert "rows.jsonl, row 3: " in capsys.readouterr().err


def test_a_row_keeps_its_name_whatever_is_added(recording, tmp_path, capsys):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.wav").write_bytes((recording / "a.wav").read_bytes())
    manifest, out = tmp_path / "rows.jsonl", tmp_path / "out"

    def align(*rows):
        write_manifest(manifest, [Utterance(tmp_path / folder / "a.wav", 2.0, text) for folder, text in rows])
        assert main(["align", str(manifest), "--format", "txt", "--output-dir", str(out)]) in (0, 3)
        assert "is for" not in capsys.readouterr().err
        return {path.stem: path.read_text().strip() for path in out.glob("*.txt")}

    assert align(("x", "hello")) == {"a": "hello"}
    assert align(("y", "world"), ("x", "hello")) == {"a_1": "world", "a": "hello"}
    assert align(("y", "word"), ("x", "hello there")) == {"a_1": "word", "a": "hello there"}
    # of one recording, a row is known by its text
    assert align(("y", "new"), ("x", "hello there"), ("y", "word")) == {
        "a_1_1": "new",
        "a": "hello there",
        "a_1": "word",
    }


def test_rows_that_are_alike_keep_a_name_each(recording, tmp_path):
    write_manifest(tmp_path / "rows.jsonl", [Utterance(recording / "a.wav", 2.0, "hello")] * 2)
    command = ["align", str(tmp_path / "rows.jsonl"), "--format", "txt", "--output-dir", str(tmp_path / "out")]
    for _ in range(2):
        assert main(command) == 3
        assert {path.name for path in (tmp_path / "out").glob("*.txt")} == {"a_1.txt", "a_2.txt"}
        (tmp_path / "out" / "a_2.txt").unlink()


def test_names_of_many_rows_are_found_soon(recording, tmp_path):
    path = str(recording / "a.wav")
    pairs = [Pair(path, f"row {number}", f"a_{number}", "", number) for number in range(6000)]
    arguments = argparse.Namespace(output=None, model=None, channel=None, lexicon=None, overwrite=False)
    output = AlignmentOutput(arguments, ("txt",), ("word",), tmp_path)
    for pair in pairs:
        output.record.begin(pair.name, output.key(pair), [], path)
        output.record.add(pair.name, output.key(pair), ["txt"], [])
    begin_s = time.process_time()
    assert output.named(pairs) == pairs
    assert time.process_time() - begin_s < 1.0


def test_what_fails_leaves_no_empty_folder(recording, tmp_path, capsys):
    command = ["align", str(recording / "short.wav"), str(recording / "a.txt")]
    assert main([*command, "--output-dir", str(tmp_path / "new" / "aligned")]) == 2
    assert "short" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_an_output_that_cannot_be_written_fails_alone(recording, tmp_path, capsys):
    write_manifest(tmp_path / "rows.jsonl", [Utterance(recording / "a.wav", 2.0, text) for text in ("hello", "world")])
    (tmp_path / "a_1.TextGrid").mkdir()
    assert main(["align", str(tmp_path / "rows.jsonl"), "--output-dir", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "rows.jsonl, row 1: its alignment cannot be written (Is a directory)" in err
    assert (tmp_path / "a_2.TextGrid").is_file()


def test_a_full_disk_ends_the_run(recording, tmp_path, capsys, monkeypatch):
    def write(path, text):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("speech.commands.alignments.write_text", write)
    write_manifest(tmp_path / "rows.jsonl", [Utterance(recording / "a.wav", 2.0, text) for text in ("hello", "world")])
    assert main(["align", str(tmp_path / "rows.jsonl"), "--output-dir", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "row 1: its alignment cannot be written (No space left on device); stopped here, what is done is kept" in err
    assert "row 2" not in err


@pytest.fixture
def calls(monkeypatch):
    """Which way recordings go: the seconds of those aligned at once, and of those taken in pieces."""
    found = {"at once": [], "in pieces": []}
    at_once, in_pieces = Aligner.align, "speech.long_alignment.align_long"

    def align(self, recording, text, **options):
        alignment = at_once(self, recording, "hello", **options)
        found["at once"].append(round(alignment.duration_s, 2))
        return alignment

    def align_long(clip, text, transcriber, **_):
        duration_s = clip.duration_s or audio.info(clip.path).duration_s - clip.offset_s
        found["in pieces"].append(round(duration_s, 2))
        raise CorpusError("enough")

    monkeypatch.setattr(Aligner, "align", align)
    monkeypatch.setattr(in_pieces, align_long)
    return found


def test_long_parts_are_aligned_in_pieces(tmp_path, capsys, calls):
    soundfile.write(tmp_path / "long.wav", np.random.default_rng(0).normal(0, 0.1, 260 * 8000), 8000)
    parts = [(0, 1), (5, 130), (0, 262), (0, 260.05), (1, 259.05), (0, 270), (200, 70)]
    rows = [Utterance(tmp_path / "long.wav", duration, "hello", offset) for offset, duration in parts]
    write_manifest(tmp_path / "rows.jsonl", rows)
    assert main(["align", str(tmp_path / "rows.jsonl"), "--output-dir", str(tmp_path)]) == 1
    assert calls == {"at once": [1], "in pieces": [130, 260, 260, 259.05, 270]}
    err = capsys.readouterr().err
    assert "row 3: the file ends 2.00 s before the row's duration; all of it is aligned" in err
    assert "is 260 s long, the part asked for ends at 270 s" in err


def test_a_part_in_pieces_counts_from_its_offset(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("speech.commands.align.LONG_S", 1.5)
    write_manifest(tmp_path / "rows.jsonl", [Utterance(recording / "a.wav", 1.6, "hello there", 0.3)])
    assert main(["align", str(tmp_path / "rows.jsonl"), "--format", "json", "--output-dir", str(tmp_path)]) == 3
    assert json.loads((tmp_path / "a.json").read_text())["duration_s"] == 1.6


def test_standard_input_is_read_once(recording, capsys, monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write((recording / "a.wav").read_bytes())
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["align", "-", str(recording / "a.txt"), "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["duration_s"] == 2.0


def test_the_text_from_standard_input(recording, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hello there")))
    assert main(["align", str(recording / "a.wav"), "-", "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["text"] == "hello there"


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd here")
def test_a_recording_from_a_descriptor_is_never_done(recording, tmp_path, capsys):
    for _ in range(2):
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as file:
            file.write((recording / "a.wav").read_bytes())
        command = ["align", f"/dev/fd/{reader}", str(recording / "a.txt"), "--output-dir", str(tmp_path)]
        assert main(command) == 3
        os.close(reader)
    assert "already done" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["pipe.TextGrid"]
