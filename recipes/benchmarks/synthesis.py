"""What speaking costs on one core: loading the voice, time to the first sound, real-time factor.

    python recipes/benchmarks/synthesis.py [--voice VOICE] [--processes 3]

Every process begins anew, so its first sentence is as late as a user's first one. Import of torch is shown by itself:
it is not ours. "First sound" is the time until the first samples of a sentence of 32 words are ready; the real-time
factor is seconds of work for each second of sound, of the whole sentence.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SENTENCE = (
    "When the rain had stopped, the children ran down to the river, where an old man with a long grey coat was mending "
    "nets and singing quietly to himself about the sea."
)
_WARM_RUNS = 5
UNITS = {
    "import torch": "s", "import tts": "s", "load": "s", "first sound, cold": "ms", "first sound, warm": "ms",
    "real-time factor, cold": "", "real-time factor, warm": "",
}  # fmt: skip


def main() -> None:
    """Measure in processes of their own, print the median and the range of each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="kathleen", help="(default: the voice that is included)")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--once", action="store_true", help="measure in this process, print JSON")
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(measured(arguments.voice)))
        return
    command = [sys.executable, __file__, "--voice", arguments.voice, "--once"]
    one_core = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=one_core).stdout)
        for _ in range(arguments.processes)
    ]
    print(f"{len(SENTENCE.split())} words, {arguments.processes} processes: median (least to most)")
    for name, unit in UNITS.items():
        values = [run[name] for run in runs]
        spread = f"({min(values):.4g} to {max(values):.4g})"
        print(f"{name:24s} {statistics.median(values):8.4g} {unit:2s} {spread}")


def measured(voice_name: str) -> dict[str, float]:
    """Figures of this process, which must not have imported torch."""
    started = time.perf_counter()
    import torch

    torch_at = time.perf_counter()
    from tts import load_voice

    imported_at = time.perf_counter()
    torch.set_num_threads(1)
    voice = load_voice(voice_name)
    loaded_at = time.perf_counter()
    cold = spoken(voice)
    warm = [spoken(voice) for _ in range(_WARM_RUNS)]
    return {
        "import torch": torch_at - started,
        "import tts": imported_at - torch_at,
        "load": loaded_at - imported_at,
        "first sound, cold": 1000.0 * cold[0],
        "first sound, warm": 1000.0 * statistics.median(run[0] for run in warm),
        "real-time factor, cold": cold[1],
        "real-time factor, warm": statistics.median(run[1] for run in warm),
    }


def spoken(voice) -> tuple[float, float]:
    """Seconds to the first samples of the sentence, and its real-time factor."""
    started, first_s, samples = time.perf_counter(), 0.0, 0
    for piece in voice.stream(SENTENCE):
        samples += len(piece.samples)
        if samples and not first_s:
            first_s = time.perf_counter() - started
    return first_s, (time.perf_counter() - started) * voice.sample_rate / samples


if __name__ == "__main__":
    main()
