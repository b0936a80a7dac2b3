"""Words wrong when recordings are quieter, with and without the gain that makes them as loud as those of training.

    python -m recipes.english.loudness manifests/english/dev_LibriSpeech_dev-clean.jsonl [--count 40]

The card of the model says how loud it wants them (`speech.loudness`).
"""

import argparse
import random
import sys
from pathlib import Path

import numpy as np

from speech.cli import guarded
from speech.corpus import read_manifest
from speech.loading import load_model
from speech.loudness import LoudnessConfig
from speech.scoring import score
from speech.sources import Clip, read_source
from speech.text import normalize_text


def main() -> int:
    """Print a row for each level."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--model", type=Path, help="the included recogniser by default")
    parser.add_argument("--count", type=int, default=40, help="utterances (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    transcriber = load_model(arguments.model)
    rows = read_manifest(arguments.manifest)
    rows = random.Random(arguments.seed).sample(rows, min(arguments.count, len(rows)))
    rate = transcriber.sample_rate_hz
    waveforms = [read_source(Clip.of(row), sample_rate_hz=rate) for row in rows]
    texts = [normalize_text(row.text).split() for row in rows]
    for quieter_db in (0, 10, 20, 30, 40, 50, 60):
        quiet = [waveform * np.float32(10 ** (-quieter_db / 20)) for waveform in waveforms]
        shares = []
        for loudness in (transcriber.loudness, LoudnessConfig()):
            kept, transcriber.loudness = transcriber.loudness, loudness
            heard = [outcome.transcript for outcome in transcriber.transcribe_many(quiet, sample_rate=rate)]
            transcriber.loudness = kept
            counts = [score(text, one.text.split() if one else []) for text, one in zip(texts, heard, strict=True)]
            shares.append(sum(count.errors for count in counts) / sum(count.total for count in counts))
        print(
            f"{quieter_db:2d} dB quieter: {shares[0]:.1%} of words wrong, {shares[1]:.1%} without the gain", flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
