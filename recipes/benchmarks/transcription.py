"""What `speech transcribe` costs: a cold process on ten seconds, an hour in one file, and what it hears in no speech.

    python recipes/benchmarks/transcription.py --manifest manifests/english/test_librispeech_test-other.jsonl [--model M]

Recordings are made by joining the manifest's utterances (again and again, if it is short). Wall time and peak memory are
those of the child process.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from speech import audio
from speech.corpus import read_manifest

RATE_HZ = 16_000


def main() -> None:
    """Make the recordings, transcribe each in a process of its own, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--hours", type=float, default=1.0, help="length of the long recording")
    arguments = parser.parse_args()
    options = ["--model", str(arguments.model)] if arguments.model else []
    random = np.random.default_rng(0)
    ten = 10 * RATE_HZ
    time_s = np.arange(ten) / RATE_HZ
    with tempfile.TemporaryDirectory() as folder:
        recordings = {
            "10 s of speech": joined(arguments.manifest, 10.0),
            "10 s again": None,
            f"{arguments.hours:g} h of speech": joined(arguments.manifest, 3600 * arguments.hours),
            "10 s of digital silence": np.zeros(ten, np.float32),
            "10 s of white noise": (0.1 * random.standard_normal(ten)).astype(np.float32),
            "10 s of a 440 Hz tone": (0.3 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32),
        }
        print(f"{'recording':26s} {'wall s':>8s} {'peak MiB':>9s} {'words':>6s}")
        path = Path(folder) / "recording.wav"
        for name, waveform in recordings.items():
            if waveform is not None:
                audio.write(path, waveform, RATE_HZ)
            wall_s, peak_mib, text = transcribed(path, options)
            print(f"{name:26s} {wall_s:8.2f} {peak_mib:9.0f} {len(text.split()):6d}", flush=True)


def joined(manifest: Path, seconds: float) -> np.ndarray:
    """`seconds` of the manifest's utterances, one after the other."""
    parts: list[np.ndarray] = []
    left = round(seconds * RATE_HZ)
    for row in itertools.cycle(read_manifest(manifest)):
        part, _ = audio.read(row.audio_filepath, sample_rate_hz=RATE_HZ, offset_s=row.offset, duration_s=row.duration)
        parts.append(part[:left])
        left -= len(parts[-1])
        if left <= 0:
            return np.concatenate(parts)
    raise AssertionError("cycle never ends")


def transcribed(path: Path, options: list[str]) -> tuple[float, float, str]:
    """Wall seconds, peak memory in MiB and text of one cold `speech transcribe`."""
    command = [sys.executable, "-m", "speech.cli", "transcribe", str(path), *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: exit status {status}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024, text


if __name__ == "__main__":
    main()
