"""A tiny voice with weights as drawn, and recordings of tones to train one."""

import json
from pathlib import Path

import numpy as np
import soundfile
import torch

from speech.corpus import Utterance, write_manifest
from speech.lexicon import Lexicon
from tts.acoustic import Acoustic
from tts.contract import AudioContract
from tts.models import AcousticConfig, AcousticModel
from tts.synthesize import Voice
from tts.vocoder import Vocoder
from tts.vocoder_model import VocoderConfig, VocoderNet


def tiny_acoustic(seed: int = 0, **changes) -> Acoustic:
    """An acoustic model of 16 channels."""
    torch.manual_seed(seed)
    config = AcousticConfig(**({"channels": 16, "decoder_layers": 1} | changes))
    model = AcousticModel(config, 80)
    with torch.no_grad():
        model.duration.leave.bias.fill_(2.0)
        model.mel_mean.fill_(-5.0)
    return Acoustic(model.requires_grad_(False).eval(), AudioContract(), ("one",))


def tiny_voice(**changes) -> Voice:
    """A voice that makes noises."""
    torch.manual_seed(1)
    vocoder = Vocoder(VocoderNet(VocoderConfig(channels=8, blocks=1), AudioContract()).eval())
    return Voice(tiny_acoustic(**changes), vocoder, Lexicon())


def write_recordings(folder: Path, texts: tuple[str, ...]) -> tuple[Path, Path]:
    """Buzzing recordings of texts, their manifest and their alignments."""
    (folder / "alignments").mkdir()
    lexicon, rows, rate = Lexicon(), [], 24_000
    for number, text in enumerate(texts):
        words, phones, time_s = [], [{"phone": "SIL", "start_s": 0.0, "end_s": 0.1}], 0.1
        for index, written in enumerate(text.split()):
            word = written.strip(".,").lower()
            start_s = time_s
            for phone in lexicon.pronunciations(word)[0]:
                phones.append({"phone": phone, "start_s": time_s, "end_s": round(time_s + 0.08, 3)})
                time_s = round(time_s + 0.08, 3)
            words.append({"word": word, "start_s": start_s, "end_s": time_s, "score": 0.0})
            gap_s = 0.2 if written.endswith(",") else 0.0
            if gap_s and index + 1 < len(text.split()):
                phones.append({"phone": "SP", "start_s": time_s, "end_s": round(time_s + gap_s, 3)})
                time_s = round(time_s + gap_s, 3)
        phones.append({"phone": "SIL", "start_s": time_s, "end_s": time_s + 0.1})
        (folder / "alignments" / f"r{number}.json").write_text(json.dumps({"words": words, "phones": phones}))
        clock = np.arange(round((time_s + 0.1) * rate)) / rate
        buzz = 0.1 * np.sign(np.sin(2 * np.pi * (180.0 + 10.0 * number) * clock)).astype(np.float32)
        soundfile.write(folder / f"r{number}.wav", buzz, rate)
        rows.append(Utterance(folder / f"r{number}.wav", len(clock) / rate, text, speaker="one"))
    write_manifest(folder / "train.jsonl", rows)
    return folder / "train.jsonl", folder / "alignments"
