"""Outputs of utterances, kept for many searches."""

import numpy as np
import pytest

from speech.corpus import Utterance
from speech.errors import SpeechError
from speech.tuning import model_outputs
from tests.speech.test_decoding import tone_model
from tests.speech.tone_model import RATE_HZ, say


@pytest.mark.parametrize("tempo", [{}, {"hops_s": [0.01, 0.008], "rates": [1000.0]}])
def test_outputs_belong_to_their_utterances_even_if_one_breaks_off(tmp_path, monkeypatch, tempo):
    """A file that fails midway has begun a stream already."""
    from speech import audio, transcribe

    texts = ["cab", "deaf face", "bad"]
    rows = []
    for number, text in enumerate(texts):
        waveform = say(text)
        audio.write(tmp_path / f"{number}.wav", waveform, RATE_HZ)
        rows.append(Utterance(tmp_path / f"{number}.wav", len(waveform) / RATE_HZ, text))
    opened = transcribe.open_source

    def breaking(source, **options):
        for block in opened(source, **options):
            yield block[: len(block) // 2]
            if str(source.path).endswith("1.wav"):
                raise SpeechError("broken")
            yield block[len(block) // 2 :]

    monkeypatch.setattr(transcribe, "open_source", breaking)
    model = tone_model()
    model.card["tempo"] = tempo
    failed, done = [], []
    found = model_outputs(
        model,
        rows,
        ("character",),
        failed=lambda row, error: failed.append(row.text),
        done=lambda row: done.append(row.text),
    )
    assert (failed, done) == (["deaf face"], ["cab", "bad"])
    alone = [model_outputs(model, [row], ("character",))[0] for row in (rows[0], rows[2])]
    for ours, theirs in zip(found, alone, strict=True):
        np.testing.assert_array_equal(ours["character"], theirs["character"])
