"""Word errors and speed of pocketsphinx beside ours, on the same utterances, in one run.

    python recipes/benchmarks/pocketsphinx.py MANIFEST ... [--count 100] [--model MODEL]

Both get the same 16 kHz samples, and their texts pass the same normalisation. The real-time factor is the process's
CPU time by the length of the audio: wall time on one core, whatever else the machine does. Loading is left out. The
exit code is 1 if ours makes more word errors on any manifest. Needs pocketsphinx, which the extra `measure` installs;
without it ours is measured alone.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from speech import audio
from speech.cli import guarded
from speech.corpus import Utterance, read_manifest
from speech.evaluate import Counts, compare
from speech.loading import load_model

RATE_HZ = 16_000


def sphinx() -> Callable[[np.ndarray], str] | None:
    """Pocketsphinx with the English model that it brings; None, and a line that says so, if it is not installed."""
    # By its whole name: this file is called the same, and its folder comes first where it is run as a script.
    folder = str(Path(__file__).parent.resolve())
    path, sys.path[:] = sys.path[:], [entry for entry in sys.path if str(Path(entry or ".").resolve()) != folder]
    try:
        from pocketsphinx import Decoder
    except ImportError:
        print("pocketsphinx is not installed and left out: pip install 'speech-toolkit[measure]'")
        return None
    finally:
        sys.path[:] = path
    decoder = Decoder(samprate=RATE_HZ, loglevel="FATAL")

    def transcribe(waveform: np.ndarray) -> str:
        decoder.start_utt()
        decoder.process_raw(np.round(32767 * np.clip(waveform, -1, 1)).astype(np.int16).tobytes(), full_utt=True)
        decoder.end_utt()
        return decoder.hyp().hypstr if decoder.hyp() else ""

    return transcribe


def spread(rows: list[Utterance], count: int) -> list[Utterance]:
    """`count` utterances, evenly spread; all for 0 or where there are no more."""
    if not 0 < count < len(rows):
        return rows
    return [rows[i * len(rows) // count] for i in range(count)]


def measure(transcribe: Callable[[np.ndarray], str], rows: list[Utterance]) -> tuple[Counts, float]:
    """Word errors, and CPU seconds a second of audio."""
    counts, spent_s, length_s = Counts(), 0.0, 0.0
    for row in rows:
        waveform, _ = audio.read(
            row.audio_filepath, sample_rate_hz=RATE_HZ, offset_s=row.offset, duration_s=row.duration
        )
        start = time.process_time()
        text = transcribe(waveform)
        spent_s += time.process_time() - start
        length_s += len(waveform) / RATE_HZ
        counts += compare(row, text).words
    return counts, spent_s / length_s


def main() -> int:
    """Print a table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", type=Path, nargs="+", metavar="MANIFEST")
    parser.add_argument("--count", type=int, default=0, help="utterances of each manifest (0: all)")
    parser.add_argument("--model", type=Path, help="of ours; the included one by default")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(arguments.model)

    def ours(waveform: np.ndarray) -> str:
        return model.transcribe(waveform, sample_rate=RATE_HZ).text

    measure(ours, read_manifest(arguments.manifests[0])[:1])  # loads the kernels
    recognizers = {"ours": ours}
    if peer := sphinx():
        recognizers["pocketsphinx"] = peer
    worse = False
    for path in arguments.manifests:
        rows = spread(read_manifest(path), arguments.count)
        print(f"{path.stem}: {len(rows)} utterances")
        rates = {}
        for name, transcribe in recognizers.items():
            counts, factor = measure(transcribe, rows)
            rates[name] = counts.rate
            errors = f"{counts.errors} errors in {counts.total} words"
            print(
                f"  {name:14s} WER {100 * counts.rate:6.2f} %  ({errors})   real-time factor {factor:.3f}", flush=True
            )
        worse |= rates["ours"] > rates.get("pocketsphinx", math.inf)
    return int(worse)


if __name__ == "__main__":
    sys.exit(guarded(main, "pocketsphinx"))
