"""Phones of recordings: any length and any source, with a model that was never trained."""

import io
import sys

import numpy as np
import pytest
import torch

from ctc import greedy_decode
from speech import audio, cli
from speech.checkpoint import build, save_model, with_hop
from speech.errors import ConfigError
from speech.frontend import FrontendConfig
from speech.models import HeadConfig, ModelConfig
from speech.phone_recognition import PhoneRecognizer, PhoneSearch
from speech.units import build_units

RATE_HZ = 16_000


def phone_model(loss: str = "ctc"):
    torch.manual_seed(1)
    head = HeadConfig(units="phone", loss=loss)
    units = {head.name: build_units("phone", framewise=head.framewise)}
    loaded = build(FrontendConfig(), ModelConfig(conv_channels=8, num_layers=1, width=8), {head.name: head}, units)
    torch.nn.init.normal_(loaded.model.heads[head.name].weight, std=8.0)  # so that one unit stands out
    return loaded


def sound(seconds: float) -> np.ndarray:
    random = np.random.default_rng(0)
    loudness = np.repeat(random.uniform(0.01, 0.2, int(10 * seconds)), RATE_HZ // 10)
    return (loudness * random.standard_normal(len(loudness))).astype(np.float32)


def test_a_short_recording_is_its_best_path():
    loaded, waveform = phone_model(), sound(2.0)
    found = PhoneRecognizer(loaded, ngram_weight=0.0).transcribe(waveform, sample_rate=RATE_HZ)
    features, lengths = loaded.frontend(torch.from_numpy(waveform)[None], torch.tensor([len(waveform)]))
    with torch.inference_mode():
        logits, lengths = loaded.model(features, lengths)
    tokens = greedy_decode(logits["phone"].log_softmax(dim=2), lengths)[0]
    assert len(tokens) > 1
    assert found.unit == "phone"
    assert [word.text for word in found.words] == [loaded.units["phone"].symbols[token.label] for token in tokens]


def test_a_bigram_counts_as_much_beside_frames_twice_as_dense():
    """Of which each phone has twice as many."""
    loaded = phone_model("cross_entropy")
    bigram = loaded.model.log_bigram("phone_frames")
    bigram.copy_(torch.randn(bigram.shape).sub(4.0).fill_diagonal_(0.0))
    scores = np.random.default_rng(0).standard_normal((300, len(bigram))).astype(np.float32)
    dense = with_hop(loaded, loaded.frontend.config.hop_s / 2)
    found, twice, alone = (
        [(phone.text, phone.start_frame // step, phone.end_frame // step) for phone in search.best(frames)]
        for search, frames, step in (
            (PhoneSearch(loaded, "phone_frames", 1.0), scores, 1),
            (PhoneSearch(dense, "phone_frames", 1.0), np.repeat(scores, 2, axis=0), 2),
            (PhoneSearch(loaded, "phone_frames", 0.0), scores, 1),
        )
    )
    assert found == twice
    assert 1 < len(found) < len(alone)


@pytest.mark.parametrize("loss", ["ctc", "ctc_crf", "cross_entropy"])
def test_a_long_recording_is_taken_in_windows(loss):
    loaded, seen = phone_model(loss), []
    loaded.model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[:2].numel()))
    found = PhoneRecognizer(loaded).transcribe(sound(65.0), sample_rate=RATE_HZ)
    assert max(seen) <= 8 * 3000 + 8
    assert found.duration_s == pytest.approx(65.0)
    assert found.words[-1].end_s > 60


def test_a_ctc_head_is_read_in_the_views_asked_for_or_those_of_the_card():
    loaded = phone_model()
    assert PhoneRecognizer(loaded).decoding.num_views == 1
    assert PhoneRecognizer(loaded, views=3).transcribe(sound(2.0), RATE_HZ).words
    loaded.card["best_path"] = {"views": 2}
    assert PhoneRecognizer(loaded).decoding.num_views == 2
    assert PhoneRecognizer(loaded, views=3).decoding.num_views == 3
    with pytest.raises(ConfigError, match="'phone_frames' is not trained by CTC"):
        PhoneRecognizer(phone_model("cross_entropy"), views=2)


def test_a_model_of_phones_is_loaded_as_one_of_words(tmp_path):
    import speech

    save_model(tmp_path / "m.safetensors", phone_model())
    found = speech.load_phone_model(tmp_path / "m.safetensors", lm=False).transcribe(sound(2.0), RATE_HZ)
    assert found.unit == "phone"
    assert {word.text for word in found.words} <= set(build_units("phone").symbols)
    assert speech.load_phone_model().decoding.heads == ("phone", "character")
    assert speech.load_phone_model(lm=False).name == "english-aligner"
    with pytest.raises(ConfigError, match="device 'abacus' is unknown"):
        speech.load_phone_model(device="abacus")


def test_the_options_of_the_command(tmp_path, capsys, monkeypatch):
    path, model = tmp_path / "a.wav", tmp_path / "m.safetensors"
    audio.write(path, sound(2.0), RATE_HZ)
    save_model(model, phone_model())
    command = ["transcribe", str(path), "--units", "phone", "--model", str(model)]
    assert cli.main([*command, "--no-lm", "--batch", "1"]) == 0
    phones = capsys.readouterr().out
    assert phones.split()
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": io.BytesIO(path.read_bytes())}))
    assert cli.main(["transcribe", "-", *command[2:]]) == 0
    assert capsys.readouterr().out == phones
    for option, message in (
        (["--lm", str(path)], "finds phones without a search for words; leave out lm"),
        (["--beam", "4"], "finds phones without a search for words; leave out beam"),
        (["--device", "abacus"], "device 'abacus' is unknown"),
    ):
        assert cli.main([*command, *option]) == 2
        assert message in capsys.readouterr().err


def test_a_model_without_phones_is_refused():
    with pytest.raises(ConfigError, match="no phone head phone_frames, only phone"):
        PhoneRecognizer(phone_model(), "phone_frames")
