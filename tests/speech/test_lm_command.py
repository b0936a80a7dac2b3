"""`speech lm` and `speech tune` through the command."""

import gzip
import io
import json
import lzma
import os

import numpy as np
import pytest

from speech import audio, checkpoint, cli
from speech.commands.tune import write_decoding
from speech.decoding import DecodingConfig, build_decoding
from speech.errors import ConfigError
from speech.lm import EstimationConfig, TextLines, estimate, load, read_lines
from speech.lm.card import beside, read_card, sha256
from speech.lm.shaping import prune
from speech.loading import DEFAULT_MODEL
from speech.tuning import STEPS, tune
from tests.speech.test_decoding import SENTENCES, heard, tone_model

TEXT = "The cat sat on the mat!\nThe dog sat, too.\nA cat and a dog\n\n" * 4


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    (tmp_path / "EMPTY").write_text("\n")
    return path


def test_train_score_convert(tmp_path, text, capsys):
    arpa, binary, small = tmp_path / "m.arpa.gz", tmp_path / "m.lm", tmp_path / "small.lm"
    options = ["--order", "2", "--discount-fallback"]
    assert cli.main(["lm", "train", str(text), *options, "-o", str(arpa)]) == 0
    assert gzip.open(arpa, "rt").read().startswith("\\data\\")
    assert cli.main(["lm", "train", str(text), *options, "-o", str(binary)]) == 0
    assert cli.main(["lm", "convert", str(arpa), str(small), "--quantise"]) == 0
    capsys.readouterr()
    printed = []
    for model in (arpa, binary, small):
        assert cli.main(["lm", "score", str(model), str(text)]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "12 sentences, 60 words, 0 (0.00 %) unknown" in printed[0]
    values = [float(one.split("perplexity ")[1].split(",")[0]) for one in printed]
    assert values[2] == pytest.approx(values[0], rel=0.01)
    assert cli.main(["lm", "score", str(binary), str(text), "--sentences"]) == 0
    assert "\tthe cat sat on the mat\n" in capsys.readouterr().out


def test_names_of_arpa_files_in_capitals(tmp_path, text):
    for name, opener in (("M.ARPA", open), ("M.ARPA.GZ", gzip.open)):
        path = str(tmp_path / name)
        assert cli.main(["lm", "train", str(text), "--order", "2", "--discount-fallback", "-o", path]) == 0
        with opener(path, "rt") as file:
            assert file.readline() == "\\data\\\n"


def test_trained_models_have_a_card(tmp_path, text, capsys):
    model, card = tmp_path / "m.lm", tmp_path / "m.lm.json"
    train = ["lm", "train", str(text), "--order", "2", "--discount-fallback", "-o", str(model)]
    assert cli.main([*train, "--as-is"]) == 0
    first = card.read_bytes()
    assert cli.main([*train, "--as-is"]) == 0
    assert card.read_bytes() == first
    assert cli.main([*train, "--quantise", "--words", "5", "--prune", "0,1"]) == 0
    capsys.readouterr()
    assert cli.main(["info", str(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["description"] == "2-gram of words, modified Kneser-Ney smoothing"
    assert (found["data"], found["order"], found["unit"]) == (["text.txt"], 2, "word")
    assert found["ngrams"] == list(load(model).level_sizes)
    assert found["settings"] == {
        "prune": [0, 1],
        "prune_by": 0.0,
        "max_words": 5,
        "discount_fallback": True,
        "quantised": True,
    }
    assert json.loads(first)["text_normalization"] == "none"
    assert found["text_normalization"] == "en-1"
    assert cli.main([*train[:-1], "/dev/null"]) == 0


def test_conversions_have_the_card_of_their_model(tmp_path, text, capsys):
    arpa, binary, again = (tmp_path / name for name in ("m.arpa", "m.lm", "again.arpa.gz"))
    assert cli.main(["lm", "train", str(text), "--order", "2", "--discount-fallback", "-o", str(arpa)]) == 0
    first = read_card(arpa)
    for source, target, options in [(arpa, binary, ["--quantise"]), (binary, again, []), (binary, again, [])]:
        assert cli.main(["lm", "convert", str(source), str(target), *options]) == 0
        card = read_card(target)
        assert card["sha256"] == sha256(target)
        assert card["settings"] == first["settings"] | {"quantised": True}
        assert {key: card[key] for key in ("data", "description", "ngrams", "unit")} == {
            key: first[key] for key in ("data", "description", "ngrams", "unit")
        }
    assert list(card) == list(first)

    beside(binary).write_text(json.dumps(read_card(binary) | {"licence": "CC0 – mine"}), encoding="utf-8")
    noted = tmp_path / "noted.lm"
    for _ in range(2):  # what the first has written the second may write over
        assert cli.main(["lm", "convert", str(binary), str(noted)]) == 0
        assert read_card(noted)["licence"] == "CC0 – mine"
    trained = tmp_path / "trained.lm"
    assert cli.main(["lm", "train", str(text), "--order", "2", "--discount-fallback", "-o", str(trained)]) == 0
    assert cli.main(["lm", "convert", str(binary), str(trained)]) == 0  # nobody has added anything to its card
    assert read_card(trained)["licence"] == "CC0 – mine"
    beside(again).write_text('{"notes": 1}')
    capsys.readouterr()
    assert cli.main(["lm", "convert", str(binary), str(again)]) == 2
    assert "again.arpa.gz.json: is there and is no card that `speech lm` wrote" in capsys.readouterr().err


def test_cards_of_other_files_are_not_carried_over(tmp_path, text, caplog):
    first, second = tmp_path / "m.arpa", tmp_path / "m.lm"
    assert cli.main(["lm", "train", str(text), "--order", "2", "--discount-fallback", "-o", str(first)]) == 0
    first.write_text(first.read_text() + "\n")
    assert cli.main(["lm", "convert", str(first), str(second)]) == 0
    assert "m.arpa.json: is the card of another file (sha256 differs) and is not carried over" in caplog.text
    assert not beside(second).exists()


@pytest.mark.parametrize("content", ["my notes", "[]", "3", "null", '{"perplexity": 9}', b"\xff"])
def test_a_file_that_is_no_card_is_kept(tmp_path, text, capsys, content):
    beside = tmp_path / "m.lm.json"
    data = content if isinstance(content, bytes) else content.encode()
    beside.write_bytes(data)
    assert cli.main(["lm", "train", str(text), "--discount-fallback", "-o", str(tmp_path / "m.lm")]) == 2
    assert "m.lm.json: is there and is no card that `speech lm` wrote; move it" in capsys.readouterr().err
    assert beside.read_bytes() == data
    assert not (tmp_path / "m.lm").exists()


def test_characters(tmp_path, text, capsys):
    model = tmp_path / "c.lm"
    options = ["--unit", "character", "--order", "3", "--prune", "0,0,1"]
    assert cli.main(["lm", "train", str(text), *options, "-o", str(model)]) == 0
    capsys.readouterr()
    assert cli.main(["lm", "score", str(model), str(text)]) == 0
    assert "characters, 0 (0.00 %) unknown" in capsys.readouterr().out


def test_characters_of_text_without_spaces(tmp_path, capsys):
    text, model = tmp_path / "words.txt", tmp_path / "c.lm"
    text.write_text("hello\nhelp\nheld\n")
    assert cli.main(["lm", "train", str(text), "--unit", "character", "-o", str(model)]) == 0
    assert cli.main(["lm", "score", str(model), str(text)]) == 0
    assert "3 sentences, 13 characters, 0 (0.00 %) unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "TEXT", "nowhere.txt", "-o", "m.lm"], "nowhere.txt: there is no such file"),
        (["train", "TEXT", ".", "-o", "m.lm"], ".: is a folder; name a text file"),
        (["train", "-", "-", "-o", "m.lm"], "standard input can be read once"),
        (["train", "TEXT", "-o", "TEXT"], "is read by the same command and would be lost"),
        (["train", "", "-o", "m.lm"], "the name is empty"),
        (["train", "TEXT", "-o", "nowhere/m.lm"], "files cannot be written there"),
        (["train", "TEXT", "-o", "m.lm", "--order", "7"], "order must be 1..6, got 7"),
        (["train", "TEXT", "-o", "m.lm", "--prune", "1,0"], "do not fall"),
        (["train", "TEXT", "-o", "m.arpa", "--quantise", "--discount-fallback"], "ARPA holds numbers in full"),
        (
            ["train", "TEXT", "-o", "m.arpa.xz"],
            "m.arpa.xz: ARPA is compressed by gzip only; choose a name that ends in",
        ),
        (["train", "TEXT", "-o", "m.ARPA.GZ", "--quantise"], "ARPA holds numbers in full"),
        (["train", "TEXT", "-o", "m.lm", "--prune-by", "nan"], "'nan' is not a number from 0 up"),
        (["train", "TEXT", "-o", "m.lm", "--prune-by", "-1"], "'-1' is not a number from 0 up"),
        (["train", "TEXT", "-o", "m.lm", "--discount-fallback", "--order", "0"], "not a whole number from 1 up"),
        (["train", "EMPTY", "-o", "m.lm"], "speech: EMPTY: holds no words; name a text of sentences"),
        (["train", "none", "dots", "-o", "m.lm"], "speech: none, dots: hold no words"),
        (["score", "TEXT", "TEXT"], "expected \\data\\"),
        (["score", "nowhere.lm", "TEXT"], "no such language model"),
        (["score", ".", "TEXT"], ".: is a folder; name a file"),
        (["score", "latin", "TEXT"], "latin: is not text in UTF-8, so no ARPA file; only gzip's compression"),
        (["score", "none", "TEXT"], "none: is empty; name a file that `speech lm train` wrote or ARPA"),
        (["train", "latin", "-o", "m.lm"], "latin: is not text in UTF-8; save or convert it so"),
        (
            ["train", "noise.gz", "-o", "m.lm"],
            "noise.gz: is damaged or cut off; get a complete copy (Not a gzipped file",
        ),
        (["train", "noise.xz", "-o", "m.lm"], "noise.xz: is damaged or cut off; get a complete copy (Input format not"),
    ],
)
def test_what_is_refused(tmp_path, text, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name, data in {
        "latin": b"caf\xe9\n",
        "noise.gz": b"noise",
        "noise.xz": b"noise",
        "none": b"",
        "dots": b"...\n",
    }.items():
        (tmp_path / name).write_bytes(data)
    assert cli.main(["lm", *(str(text) if one == "TEXT" else one for one in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.strip().splitlines()[-1].startswith("speech")
    assert "Traceback" not in error
    assert "codec" not in error
    assert "Errno" not in error


def test_a_standard_input_that_is_closed(tmp_path, text, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    for action in (["train", "-", "-o", str(tmp_path / "m.lm")], ["score", str(text), "-"]):
        assert cli.main(["lm", *action]) == 2
        assert "standard input: is closed" in capsys.readouterr().err


def test_arpa_with_8_bit_values_is_refused_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("speech.lm.estimate", None)  # would be called by the work
    for action in (["train", "a.txt", "-o"], ["convert", "nowhere.lm"]):
        assert cli.main(["lm", *action, str(tmp_path / "m.arpa"), "--quantise"]) == 2
        assert "ARPA holds numbers in full" in capsys.readouterr().err


@pytest.mark.parametrize("threshold", [float("nan"), -1.0, float("inf")])
def test_thresholds_are_numbers_from_0_up(threshold):
    with pytest.raises(ConfigError, match="threshold must be 0 or more"):
        prune(estimate(SENTENCES, EstimationConfig(order=2, discount_fallback=True)), threshold)


def test_a_byte_order_mark_is_no_part_of_a_word(tmp_path, monkeypatch):
    marked = "\ufeffcat sat\n".encode()
    (tmp_path / "a.txt").write_bytes(marked)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(marked))
    assert [list(read_lines(tmp_path / name)) for name in ("a.txt", "a.txt.gz")] == [["cat sat\n"]] * 2
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(marked)))
    assert list(read_lines("-")) == ["cat sat\n"]


def test_tuning_finds_the_weight_that_makes_fewest_errors():
    lm = estimate(SENTENCES, EstimationConfig(order=2, discount_fallback=True))
    scores = heard("the cot sat on the mat")
    scores[heard("the cat sat on the mat").argmax(axis=1) == 3] *= 0.2
    row = type("Row", (), {"text": "the cat sat on the mat"})()

    def build(config):
        return build_decoding(tone_model(), config, lm)

    start = DecodingConfig(lm_weight=0.0, word_bonus=0.0, prior_scale=0.0)
    trials = []
    best = tune(build, start, [([row], [{"character": scores[:, None]}])], progress=trials.append)
    assert trials[0].rate > 0
    assert best.rate == 0
    assert best.config.lm_weight > 0
    assert set(STEPS) <= set(vars(start))


@pytest.mark.parametrize("name", ["neural_share", "second_weight"])
def test_shares_are_tuned_up_to_one(name):
    class Build:
        """Stands for a search whose errors fall as the share rises."""

        def __init__(self, config):
            self.heads, self.num_views, self.frame_step_s = ("character",), 1, 0.01
            self.share = getattr(config, name)

        def stream(self):
            return self

        def push(self, scores):
            self.num_frames = len(scores)

        def words(self, _):
            return [type("Word", (), {"text": "a"})] * round(20 * self.share)

    row = type("Row", (), {"text": " ".join(["a"] * 20)})()
    start = DecodingConfig(neural_share=0.6, second_weight=0.6)
    best = tune(Build, start, [([row], [{"character": np.zeros((3, 1, 2))}])], names=[name])
    assert getattr(best.config, name) == 1.0
    assert best.rate == 0.0


def test_tune_leaves_the_included_model_as_it_is(tmp_path, capsys):
    manifest = tmp_path / "dev.jsonl"
    manifest.write_text(json.dumps({"audio_filepath": "a.wav", "duration": 1.0, "text": "the cat"}) + "\n")
    before = DEFAULT_MODEL.stat().st_mtime_ns
    assert cli.main(["tune", str(manifest)]) == 2
    assert "name a copy with --output FILE" in capsys.readouterr().err
    assert DEFAULT_MODEL.stat().st_mtime_ns == before
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    for output in ("a.wav", "b.txt"):
        (tmp_path / "b.txt").write_text("notes")
        assert cli.main(["tune", str(manifest), "--output", str(tmp_path / output)]) == 2
        assert f"{output}: is there and is no model; name another file" in capsys.readouterr().err
    assert (tmp_path / "a.wav").read_bytes() == b"RIFF"


def test_tune_writes_the_card(tmp_path, capsys, text):
    import torch

    from speech.frontend import FrontendConfig
    from speech.models import HeadConfig, ModelConfig
    from speech.units import build_units

    torch.manual_seed(0)
    config = ModelConfig(conv_channels=8, num_layers=1, width=8)
    units = {"character": build_units("character")}
    model = tmp_path / "m.safetensors"
    built = checkpoint.build(FrontendConfig(), config, {"character": HeadConfig()}, units)
    built.card = {"results": {"dev": "WER 9 %"}, "results_best_path": {"dev": "WER 10 %"}}
    built.card["description"] = "Characters; searched with an n-gram and a recurrent language model"
    checkpoint.save_model(model, built)
    rng = np.random.default_rng(0)
    audio.write(tmp_path / "a.wav", (0.1 * rng.standard_normal(16000)).astype(np.float32), 16000)
    manifest = tmp_path / "dev.jsonl"
    manifest.write_text(json.dumps({"audio_filepath": "a.wav", "duration": 1.0, "text": "the cat"}) + "\n")
    assert cli.main(["lm", "train", str(text), "--discount-fallback", "-o", str(tmp_path / "m.lm")]) == 0
    arguments = ["tune", str(manifest), "--model", str(model), "--lm", str(tmp_path / "m.lm"), "--beam", "8"]
    capsys.readouterr()
    assert cli.main([*arguments, "--dry-run"]) == 0
    assert "dev.jsonl: weights found on 2 words are mostly chance; tune on 300 or more" in capsys.readouterr().err
    assert "decoding" not in checkpoint.load(model).card
    copy = tmp_path / "copy.safetensors"
    assert cli.main([*arguments, "--output", str(copy)]) == 0
    assert "decoding" not in checkpoint.load(model).card
    card = checkpoint.load(copy).card
    assert card["decoding"]["beam"] == 8
    assert card["decoding"]["neural_share"] == 0.0
    assert card["description"] == "Characters; searched with m.lm"
    assert card["tuning"]["sets"] == ["dev.jsonl: 2 words"]
    assert "results" not in card
    assert card["results_best_path"] == {"dev": "WER 10 %"}
    checkpoint.replace_card(copy, lambda card: {**card, "results": {"dev": "WER 8 %"}})
    write_decoding(copy, card["decoding"], "m.lm")
    assert checkpoint.load(copy).card["results"] == {"dev": "WER 8 %"}  # measured so
    assert cli.main(arguments) == 0
    assert checkpoint.load(model).card["decoding"]["beam"] == 8
    rows = manifest.read_text()
    manifest.write_text(rows + rows.replace("a.wav", "gone.wav") + "{\n")
    capsys.readouterr()
    assert cli.main([*arguments, "--dry-run"]) == 1
    err = capsys.readouterr().err
    assert f"[2/2] {manifest}, row 2  failed\n" in err
    assert "dev.jsonl, row 2: " in err
    assert "gone.wav: there is no such file (left out)" in err
    assert "dev.jsonl, row 3: is not valid JSON" in err
    manifest.write_text(rows.replace("a.wav", "gone.wav"))
    assert cli.main([*arguments, "--dry-run"]) == 2
    assert "dev.jsonl has no other row to tune on" in capsys.readouterr().err
    manifest.write_text(rows)
    link = tmp_path / "link.safetensors"
    link.symlink_to(model)
    assert cli.main([*arguments, "--beam", "9", "--output", str(link)]) == 0
    assert link.is_symlink()
    assert checkpoint.load(model).card["decoding"]["beam"] == 9
    assert cli.main(arguments) == 0
    assert checkpoint.load(model).card["decoding_lm"] == "m.lm"
    capsys.readouterr()
    assert cli.main(["transcribe", str(tmp_path / "a.wav"), "--model", str(model)]) == 2
    assert "tuned with the language model m.lm; name that file" in capsys.readouterr().err
    assert cli.main(["transcribe", str(tmp_path / "a.wav"), "--model", str(model), "--lm", str(tmp_path / "m.lm")]) == 0
    capsys.readouterr()
    assert cli.main([*arguments, "--device", "abacus"]) == 2
    assert "device 'abacus' is unknown" in capsys.readouterr().err
    write_decoding(model, {})
    assert "decoding_lm" not in checkpoint.load(model).card
    assert checkpoint.load(model).card["description"] == "Characters; searched with the included language models"
    capsys.readouterr()
    assert cli.main([*arguments, "--no-lm"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_long_texts_are_counted_while_they_are_read(tmp_path, monkeypatch, capsys):
    (tmp_path / "text").write_text("a b\na c\n" * 50)
    command = ["lm", "train", str(tmp_path / "text"), "--order", "2", "--discount-fallback", "-o", str(tmp_path / "lm")]
    assert cli.main(command) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("speech.commands.lm.LINE_S", 0.0)
    assert cli.main(command) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"{tmp_path / 'text'}: 1 lines read, about 00:00 left"
    assert told[-1] == f"{tmp_path / 'text'}: all 100 lines read"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a b\na c\n" * 50)))
    assert cli.main([*command[:2], "-", *command[3:]]) == 0
    assert capsys.readouterr().err.splitlines()[0] == "standard input: 1 lines read"


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress)])
def test_how_much_of_a_text_has_been_read(tmp_path, suffix, pack):
    path = tmp_path / f"text{suffix}"
    words = np.random.default_rng(0).integers(0, 10**9, 100_000)
    path.write_bytes(pack("".join(f"{word}\n" for word in words).encode()))
    text = TextLines(path)
    assert text.share_read() is None
    shares = [text.share_read() for _ in text]
    assert shares == sorted(shares)
    assert shares[len(shares) // 2] == pytest.approx(0.5, abs=0.1)
    assert text.share_read() is None


def test_how_much_was_read_of_a_file_that_became_shorter(tmp_path):
    path = tmp_path / "text"
    path.write_text("a b\n" * 1000)
    text = TextLines(path)
    next(lines := iter(text))
    for size, share in ((100, 1.0), (0, None)):
        os.truncate(path, size)
        assert text.share_read() == share
    lines.close()
