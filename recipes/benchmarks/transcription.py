"""What `speech transcribe` costs: a cold process on ten seconds, an hour in one file, and what it hears in no speech.

    python recipes/benchmarks/transcription.py --manifest MANIFEST [--model MODEL]
    python recipes/benchmarks/transcription.py --manifest MANIFEST --align     # the hour by `speech align` instead

Recordings are made by joining the manifest's utterances (again and again, if it is short). Wall time and peak memory
are those of the child process. The word errors of the long recording stand beside those of its utterances one by one:
what the long one has more was lost where its windows meet. Needs Linux, which tells the memory of processes.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from speech import audio
from speech.cli import guarded
from speech.corpus import Utterance, read_manifest
from speech.evaluate import compare
from speech.loading import load_model
from speech.sources import Clip

RATE_HZ = 16_000


def main() -> None:
    """Make the recordings, transcribe each in a process of its own, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True, help="speech, one utterance a row")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--no-lm", action="store_true", help="best path of characters")
    parser.add_argument("--hotwords", type=Path, help="words to be favoured")
    parser.add_argument("--hours", type=float, default=1.0, help="length of the long recording")
    parser.add_argument("--align", action="store_true", help="time speech align of the long recording with its text")
    arguments = parser.parse_args()
    if arguments.align:
        align(read_manifest(arguments.manifest), arguments.hours)
        return
    options = ["--model", str(arguments.model)] if arguments.model else []
    options += ["--no-lm"] * arguments.no_lm
    options += ["--hotwords", str(arguments.hotwords)] if arguments.hotwords else []
    random = np.random.default_rng(0)
    ten = 10 * RATE_HZ
    time_s = np.arange(ten) / RATE_HZ
    rows = read_manifest(arguments.manifest)
    long_name = f"{arguments.hours:g} h of speech"
    long_waveform, spoken = joined(rows, 3600 * arguments.hours)
    with tempfile.TemporaryDirectory() as folder:
        recordings = {
            "10 s of speech": joined(rows, 10.0)[0],
            "10 s again": None,
            long_name: long_waveform,
            "10 s of digital silence": np.zeros(ten, np.float32),
            "10 s of white noise": (0.1 * random.standard_normal(ten)).astype(np.float32),
            "10 s of a 440 Hz tone": (0.3 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32),
        }
        print(f"{'recording':26s} {'wall s':>8s} {'peak MiB':>9s} {'words':>6s}")
        path = Path(folder) / "recording.wav"
        for name, waveform in recordings.items():
            if waveform is not None:
                audio.write(path, waveform, RATE_HZ)
            wall_s, peak_mib, text = run("transcribe", str(path), *options)
            print(f"{name:26s} {wall_s:8.2f} {peak_mib:9.0f} {len(text.split()):6d}", flush=True)
            if name == long_name:
                long_text = text
    reference = " ".join(row.text for row in spoken)
    model = load_model(arguments.model, lm=False if arguments.no_lm else None)
    once = {row: model.transcribe(Clip.of(row)).text for row in dict.fromkeys(spoken)}
    print(f"in one recording: {errors(reference, long_text)}")
    print(f"one by one:       {errors(reference, ' '.join(once[row] for row in spoken))}")


def align(rows: list[Utterance], hours: float) -> None:
    """Align a long recording with its text in a process of its own, print what it takes."""
    waveform, spoken = joined(rows, 3600 * hours)
    whole = waveform[: round(RATE_HZ * sum(row.duration for row in spoken))]
    with tempfile.TemporaryDirectory() as folder:
        audio.write(Path(folder) / "recording.wav", whole, RATE_HZ)
        (Path(folder) / "text.txt").write_text("".join(row.text + "\n" for row in spoken), encoding="utf-8")
        wall_s, peak_mib, aligned = run("align", f"{folder}/recording.wav", f"{folder}/text.txt", "--format", "json")
    num_words = len(json.loads(aligned)["words"])
    print(f"{hours:g} h of speech, {num_words} words and their phones: {wall_s:.1f} s, peak {peak_mib:.0f} MiB")


def joined(rows: list[Utterance], seconds: float) -> tuple[np.ndarray, list[Utterance]]:
    """`seconds` of the utterances, one after the other, and those that are in it whole."""
    parts: list[np.ndarray] = []
    whole: list[Utterance] = []
    left = round(seconds * RATE_HZ)
    for row in itertools.cycle(rows):
        part, _ = audio.read(row.audio_filepath, sample_rate_hz=RATE_HZ, offset_s=row.offset, duration_s=row.duration)
        if len(part) > left:
            return np.concatenate([*parts, part[:left]]), whole
        parts.append(part)
        whole.append(row)
        left -= len(part)
    raise AssertionError("cycle never ends")


def errors(reference: str, hypothesis: str) -> str:
    """Word errors as a line."""
    counts = compare(Utterance(Path(), 0.0, reference), hypothesis).words
    return (
        f"WER {100 * counts.rate:.2f} % ({counts.substitutions} substitutions, {counts.deletions} deletions,"
        f" {counts.insertions} insertions of {counts.total} words)"
    )


def run(*arguments: str) -> tuple[float, float, str]:
    """Wall seconds, peak memory in MiB and output of one cold `speech` command.

    The kernel's count for an ended child begins at the memory of the process that started it, so the peak is read from
    the running child instead (`VmHWM`, which only grows).
    """
    command = [sys.executable, "-m", "speech", *arguments]
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        peak_kib = 0
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
            peak_kib = max([peak_kib, *map(int, peaks)])
            time.sleep(0.01)
        wall_s = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
        output.seek(0)
        return wall_s, peak_kib / 1024, output.read()


if __name__ == "__main__":
    sys.exit(guarded(main, "transcription"))
