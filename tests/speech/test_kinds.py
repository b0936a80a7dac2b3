"""Files of any kind are named for what they are, and shown with their card."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import save_file

import speech
import tts
from speech.cli import main
from speech.kinds import kind_of

WEIGHTS = Path(speech.__file__).parent / "weights"
VOICE = Path(tts.__file__).parent / "weights"
ARPA_TEXT = "\n\\data\\\nngram 1=4\n\n\\1-grams:\n-1 <unk>\n-1 <s>\n-1 </s>\n-1 a\n\n\\end\\\n"


@pytest.fixture
def arpa(tmp_path):
    (tmp_path / "small.arpa").write_text(ARPA_TEXT)
    (tmp_path / "small.arpa.gz").write_bytes(gzip.compress(ARPA_TEXT.encode()))
    return tmp_path / "small.arpa"


@pytest.mark.parametrize(
    ("path", "what", "shown"),
    [
        (WEIGHTS / "english.lm", "an n-gram language model", "ngrams: 60003, "),
        (WEIGHTS / "english.lm", "an n-gram language model", "name: english-words-4gram"),
        (WEIGHTS / "english.neural.safetensors", "a recurrent language model", "name: english-pieces-lstm"),
        (WEIGHTS / "english.lexicon.safetensors", "the pronunciations of a language model's words", "words: 60000"),
        (WEIGHTS / "letter_to_sound.safetensors", "a letter-to-sound model", "recipe: recipes/letter_to_sound"),
        (WEIGHTS / "aligner.safetensors", "an aligner", "name: english-aligner"),
        (WEIGHTS / "english.safetensors", "a recogniser", "name: english"),
        (VOICE / "acoustic_kathleen.safetensors", "the acoustic model of a voice", "licence: CC0-1.0"),
        (VOICE / "vocoder_kathleen.safetensors", "the vocoder of a voice", "name: vocoder of kathleen"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else None,
)
def test_info_shows_every_included_file(path, what, shown, capsys):
    assert main(["info", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"kind: {what}\n" in out
    assert f"sha256: {hashlib.sha256(path.read_bytes()).hexdigest()}" in out
    assert re.search(f"^{shown}", out, re.MULTILINE)


def test_info_says_first_what_a_reader_asks_first(capsys):
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    keys = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    assert keys[:5] == ["file", "kind", "name", "description", "language"]
    assert keys.index("results") < keys.index("sha256") < keys.index("config") == len(keys) - 1
    assert "  - LJSpeech, 142 utterances: public domain" in lines
    assert lines[lines.index("  heads:") + 1] == "    - units: character"
    assert sum(line.startswith("    - units: ") for line in lines) == 2
    assert any(re.fullmatch(r"dev error: 0\.\d{1,6}", line) for line in lines)


def test_info_of_arpa_and_of_a_card_that_is_not_its(arpa, capsys):
    for path in (arpa, arpa.with_name("small.arpa.gz")):
        assert main(["info", str(path), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["kind"], found["ngrams"]) == ("an n-gram language model in ARPA form", [4])
    beside = arpa.with_name("small.arpa.json")
    beside.write_text(json.dumps({"name": "mine", "sha256": hashlib.sha256(arpa.read_bytes()).hexdigest()}))
    assert main(["info", str(arpa)]) == 0
    assert "name: mine" in capsys.readouterr().out
    beside.write_text(json.dumps({"name": "mine", "sha256": "0"}))
    assert main(["info", str(arpa)]) == 0
    out = capsys.readouterr().out
    assert "small.arpa.json is that of another file" in out
    assert "mine" not in out
    beside.write_text("[")
    assert main(["info", str(arpa)]) == 2
    assert "small.arpa.json: cannot be read as the card of small.arpa" in capsys.readouterr().err


@pytest.fixture
def strange(tmp_path):
    """Files that are no models."""
    soundfile.write(tmp_path / "talk.wav", [0.0] * 100, 16_000)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "folder").mkdir()
    torch.save({}, tmp_path / "state.pt")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    (tmp_path / "cut.lm").write_bytes((WEIGHTS / "english.lm").read_bytes()[:1000])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("talk.wav", "is a recording"),
        ("notes.txt", "is text"),
        ("rows.jsonl", "is JSON"),
        ("folder", "is a folder; name a"),
        ("state.pt", "is a zip archive, such as the state.pt"),
        ("foreign.safetensors", "is a safetensors file of another program"),
        ("cut.lm", "has 1000 of 11086184 bytes"),
        ("gone.lm", "no such model file"),
    ],
)
def test_info_says_what_else_a_file_is(strange, name, message, capsys):
    assert main(["info", str(strange / name)]) == 2
    assert f"{name}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "path", "message"),
    [
        ("--model", WEIGHTS / "english.lm", "english.lm: is an n-gram language model; give it by --lm"),
        ("--model", VOICE / "vocoder_kathleen.safetensors", "is the vocoder of a voice"),
        ("--model", WEIGHTS / "english.neural.safetensors", "is a recurrent language model; no option takes it"),
        ("--lm", WEIGHTS / "english.safetensors", "english.safetensors: is a recogniser or aligner; name an n-gram"),
        ("--lm", WEIGHTS / "english.neural.safetensors", "is a recurrent language model; name an n-gram"),
        ("--lm", Path(__file__), "this is no ARPA file"),
    ],
)
def test_a_wrong_kind_is_named_for_what_it_is(strange, option, path, message, capsys):
    assert main(["transcribe", str(strange / "talk.wav"), option, str(path)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "damaged" not in err


def test_damaged_headers_have_no_kind(tmp_path):
    for data in (b"", b"\x10\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]", b"\x1f\x8bx", b"\xff\0"):
        (tmp_path / "file").write_bytes(data)
        assert kind_of(tmp_path / "file") is None
