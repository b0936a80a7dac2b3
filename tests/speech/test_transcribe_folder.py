"""`speech transcribe --output-dir`: what is done, what is done again, and what is left alone."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from speech import audio
from speech.cli import main
from speech.commands.done import DoneRecord
from speech.commands.outputs import write_text
from speech.commands.transcripts import TranscriptFolder
from tests.speech.tone_model import RATE_HZ, say


def test_finished_files_are_left_alone(tone_command, talks, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["transcribe", str(talks), "--output-dir", str(out)]
    assert main([*command[:1], str(talks / "a.wav"), *command[2:]]) == 0
    (out / "a.txt").write_text("kept\n")
    assert main(command) == 0
    assert (out / "a.txt").read_text() == "kept\n"
    assert (out / "b.txt").read_text() == "beta\n"
    assert "1 already done" in capsys.readouterr().err

    assert main(command) == 0
    assert "3 already done (--overwrite redoes them)" in capsys.readouterr().err
    assert main(["transcribe", str(talks / "a.wav"), *command[2:]]) == 0
    assert "1 already done" in capsys.readouterr().err
    assert len(tone_command) == 2  # nothing to do: no model is loaded

    assert main([*command, "--overwrite"]) == 0
    assert (out / "a.txt").read_text() == "alpha one\n"


def test_a_further_format_is_written_beside_and_a_changed_recording_done_again(tone_command, talks, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["transcribe", str(talks / "a.wav"), "--output-dir", str(out), "--format"]
    assert main([*command, "txt"]) == 0
    (out / "a.txt").write_text("kept\n")
    assert main([*command, "txt,srt"]) == 0
    assert (out / "a.srt").exists()
    assert (out / "a.txt").read_text() == "kept\n"
    audio.write(talks / "a.wav", say("new words"), RATE_HZ)
    os.utime(talks / "a.wav", (0, 0))  # a copy that kept an old date
    assert main([*command, "txt"]) == 0
    assert (out / "a.txt").read_text() == "kept\n"  # what was corrected by hand is not lost
    assert "a.txt: not written by this command, or changed since" in capsys.readouterr().err
    assert main([*command, "txt,srt"]) == 0
    assert "new" in (out / "a.srt").read_text()
    assert main([*command, "txt", "--overwrite"]) == 0
    assert (out / "a.txt").read_text() == "new words\n"


def test_other_options_or_another_model_do_it_again(tone_command, talks, tmp_path, capsys):
    model, words, lm = (tmp_path / name for name in ("m.safetensors", "words.txt", "x.lm"))
    for path in (model, words, lm):
        path.write_text("one")
    command = ["transcribe", str(talks / "a.wav"), "--output-dir", str(tmp_path / "out")]
    variants = [
        [],
        ["--model", str(model)],
        ["--hotwords", str(words)],
        ["--lm", str(lm)],
        ["--no-lm"],
        ["--beam", "7"],
        ["--channel", "0"],
    ]

    def loads(*options: str) -> int:
        before = len(tone_command)
        assert main([*command, *options]) == 0
        return len(tone_command) - before

    for variant in variants:
        assert (loads(*variant), loads(*variant)) == (1, 0), variant
        assert loads(*variant, "--batch", "2") == 0
    for path, option in ((model, "--model"), (words, "--hotwords"), (lm, "--lm")):
        assert loads(option, str(path)) == 1
        path.write_text("two")
        assert loads(option, str(path)) == 1


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd here")
def test_words_from_a_pipe_may_be_others(tone_command, talks, tmp_path):
    for _ in range(2):
        reader, writer = os.pipe()
        with os.fdopen(writer, "w") as file:
            file.write("Ada\n")
        command = ["transcribe", str(talks / "a.wav"), "--hotwords", f"/dev/fd/{reader}", "--output-dir"]
        assert main([*command, str(tmp_path / "out")]) == 0
        os.close(reader)
    assert len(tone_command) == 2


def test_what_others_wrote_is_left_alone(tone_command, talks, tmp_path, capsys):
    (talks / "a.txt").write_text("written by hand\n")
    os.utime(talks / "a.txt", (0, 0))
    command = ["transcribe", str(talks), "--output-dir", str(talks)]
    assert main([*command, "--format", "txt,srt"]) == 0
    assert (talks / "a.txt").read_text() == "written by hand\n"
    assert (talks / "a.srt").exists()
    assert (
        "a.txt: not written by this command, or changed since, so left as it is; --overwrite replaces it"
        in capsys.readouterr().err
    )
    assert main(command) == 0
    assert "2 already done (--overwrite redoes them), 1 left as it is" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    assert (talks / "a.txt").read_text() == "alpha one\n"


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd here")
def test_what_comes_through_a_pipe_replaces_nobodys_file(tone_command, talks, tmp_path, capsys):
    (tmp_path / "pipe.txt").write_text("by hand\n")
    data = (talks / "b.flac").read_bytes()
    assert len(data) < 1 << 16  # a pipe holds it, whether it is read or not
    for options, text in (([], "by hand\n"), (["--overwrite"], "beta\n")):
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as file:
            file.write(data)
        assert main(["transcribe", f"/dev/fd/{reader}", "--output-dir", str(tmp_path), *options]) == 0
        os.close(reader)
        assert (tmp_path / "pipe.txt").read_text() == text
    assert "pipe.txt: not written by this command" in capsys.readouterr().err


def test_recordings_of_one_name_are_told_apart_in_ctm(tone_command, talks, tmp_path, capsys):
    (talks / "deep" / "c.wav").rename(talks / "deep" / "a.wav")
    names = [str(talks / "a.wav"), str(talks / "deep" / "a.wav")]
    assert main(["transcribe", *names, "--format", "ctm"]) == 0
    recordings = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert recordings == {"talks_a", "deep_a"}


def test_linked_folders_are_searched_once(tone_command, talks, tmp_path, capsys):
    (tmp_path / "far").mkdir()
    (talks / "deep" / "c.wav").rename(tmp_path / "far" / "d.wav")
    os.symlink(tmp_path / "far", talks / "near")
    os.symlink(talks, talks / "deep" / "again")
    assert main(["transcribe", str(talks), "--output-dir", str(tmp_path / "out")]) == 0
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.txt"))
    assert found == ["a.txt", "b.txt", "near/d.txt"]


def test_the_place_of_another_recording_is_not_taken(tone_command, talks, tmp_path, capsys):
    (talks / "two").mkdir()
    (talks / "a.wav").rename(talks / "two" / "a.wav")
    audio.write(talks / "a.wav", say("other"), RATE_HZ)
    out = ["--output-dir", str(tmp_path / "out")]
    assert main(["transcribe", str(talks / "a.wav"), *out]) == 0
    assert main(["transcribe", str(talks / "two" / "a.wav"), str(talks / "b.flac"), *out]) == 1
    err = capsys.readouterr().err
    assert f"two/a.wav: {tmp_path / 'out' / 'a.txt'} is for {talks / 'a.wav'}; name another --output-dir" in err
    assert (tmp_path / "out" / "a.txt").read_text() == "other\n"
    assert (tmp_path / "out" / "b.txt").exists()
    (talks / "a.wav").unlink()  # moved, perhaps
    assert main(["transcribe", str(talks / "two" / "a.wav"), *out]) == 0
    assert (tmp_path / "out" / "a.txt").read_text() == "alpha one\n"


def test_files_of_a_run_that_was_killed_are_written_again(tone_command, talks, tmp_path, monkeypatch):
    command = ["transcribe", str(talks / "a.wav"), "--format", "txt,json", "--output-dir", str(tmp_path)]

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DoneRecord, "add", killed)
        assert main(command) == 130
    (tmp_path / "a.txt").write_text("of another model, say\n")
    assert main(command) == 0
    assert (tmp_path / "a.txt").read_text() == "alpha one\n"


def test_same_names_do_not_overwrite_each_other(tone_command, talks, tmp_path):
    audio.write(talks / "a.flac", say("other"), RATE_HZ)
    out = tmp_path / "out"
    assert main(["transcribe", str(talks), "--output-dir", str(out)]) == 0
    assert (out / "a.wav.txt").read_text() == "alpha one\n"
    assert (out / "a.flac.txt").read_text() == "other\n"
    assert (out / "b.txt").exists()


def test_a_recording_keeps_its_name_whatever_is_added(tone_command, talks, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["transcribe", str(talks / "a.wav"), "--output-dir", str(out)]) == 0
    audio.write(talks / "a.flac", say("delta"), RATE_HZ)
    (talks / "deep" / "A.wav").write_bytes((talks / "b.flac").read_bytes())
    added = [str(talks / name) for name in ("deep/A.wav", "a.wav", "a.flac")]
    for paths in (added, added, added[:1], added[1:]):
        capsys.readouterr()
        assert main(["transcribe", *paths, "--output-dir", str(out)]) == 0
        texts = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*.txt")}
        assert texts == {"a.txt": "alpha one\n", "A.wav.txt": "beta\n", "a.flac.txt": "delta\n"}
    assert "2 already done" in capsys.readouterr().err


def test_recordings_of_one_name_in_two_folders_are_done_once(tone_command, talks, tmp_path, capsys):
    (talks / "two").mkdir()
    audio.write(talks / "two" / "a.wav", say("other"), RATE_HZ)
    out = tmp_path / "out"
    command = ["transcribe", str(talks / "a.wav"), str(talks / "two" / "a.wav"), "--output-dir", str(out)]
    assert main(command) == 0
    assert (out / "talks" / "a.txt").read_text() == "alpha one\n"
    assert (out / "two" / "a.txt").read_text() == "other\n"
    assert main(command) == 0
    assert "2 already done" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gone.wav", "readme.txt"])
def test_what_fails_leaves_no_empty_folder(tone_command, talks, tmp_path, capsys, name):
    (tmp_path / "old").mkdir()
    for folder in ("old", "new/transcripts"):
        assert main(["transcribe", str(talks / name), "--output-dir", str(tmp_path / folder)]) == 2
        assert name in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "talks"]


def test_a_folder_that_another_run_took_away_is_made_again(tone_command, talks, tmp_path, monkeypatch):
    write = TranscriptFolder.write

    def without_folder(folder, *arguments):
        folder.folder.rmdir()  # as a run that failed beside this one
        write(folder, *arguments)

    monkeypatch.setattr(TranscriptFolder, "write", without_folder)
    assert main(["transcribe", str(talks / "a.wav"), "--output-dir", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "a.txt").read_text() == "alpha one\n"


def test_a_full_disk_ends_the_run_and_keeps_what_is_done(tone_command, talks, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    written = []

    def write(path, text):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        write_text(path, text)

    command = ["transcribe", str(talks), "--output-dir", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr("speech.commands.transcripts.write_text", write)
        assert main(command) == 1
    err = capsys.readouterr().err
    assert err.count("No space left on device") == 1
    assert "b.flac: its transcript cannot be written (No space left on device); stopped here, what is done is" in err
    assert "c.wav" not in err
    assert main(command) == 0
    assert "2 of 3 files transcribed" in capsys.readouterr().err
    assert sorted(path.name for path in out.rglob("*.txt")) == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_told_to_end_leaves_no_part(tone_command, talks, tmp_path, capsys, monkeypatch, number, code):
    replace, out = os.replace, tmp_path / "out"
    handler = signal.getsignal(number)

    def slow_replace(source, target):
        if str(target).endswith("b.txt"):
            os.kill(os.getpid(), number)
        replace(source, target)

    monkeypatch.setattr("os.replace", slow_replace)
    assert main(["transcribe", str(talks), "--output-dir", str(out)]) == code
    how = "interrupted" if number == signal.SIGINT else "terminated"
    assert f"{how}; what is done is kept; run it again to go on" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == [".speech-transcribe.jsonl", "a.txt"]
    assert signal.getsignal(number) == handler


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_ends_the_program_where_ctrl_c_is_ignored_and_stays_ignored_itself():
    ending = "sys.exit(guarded(lambda: os.kill(os.getpid(), signal.SIGTERM)))"
    for ignored, code in (("SIGINT", 143), ("SIGTERM", 0)):
        script = f"import os, signal, sys; signal.signal(signal.{ignored}, signal.SIG_IGN)"
        script = f"{script}; from speech.cli import guarded; {ending}"
        assert subprocess.run([sys.executable, "-c", script], timeout=60, capture_output=True).returncode == code
