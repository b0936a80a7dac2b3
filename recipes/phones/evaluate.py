"""How good an aligner is: boundaries against hand labels, phone errors, scores of wrong words.

    python -m recipes.phones.evaluate boundaries --timit TIMIT [--model M]
    python -m recipes.phones.evaluate errors --timit TIMIT --manifest dev.jsonl --model M
    python -m recipes.phones.evaluate swapped --manifest test-other.jsonl --manifest cv.jsonl [--model M]

For comparison: conventional aligners by hidden Markov models, trained on TIMIT, put 80 to 89 % of its boundaries
within 20 ms (as cited by Stolcke et al., ICASSP 2014). The Montreal Forced Aligner 3.0 states mean boundary errors
below 15 ms on its four benchmarks (McAuliffe et al. 2026, arXiv 2606.18466); Rousso et al., Interspeech 2024 (arXiv
2406.19363), compare it with others on TIMIT and Buckeye.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from speech.aligner import Aligner
from speech.cli import guarded
from speech.corpus import read_manifest
from speech.errors import SpeechError
from speech.scoring import ErrorCounts, score
from speech.sources import Clip

TIMIT_RATE_HZ = 16_000
#: TIMIT's 61 labels where they differ from ARPAbet (Lee & Hon 1989, table I); closures join the burst that follows.
TIMIT_LABELS = {
    "ax": "AH", "ax-h": "AH", "axr": "ER", "ix": "IH", "ux": "UW", "hv": "HH", "el": "L", "em": "M", "en": "N",
    "eng": "NG", "nx": "N", "dx": "T", "bcl": "B", "dcl": "D", "gcl": "G", "pcl": "P", "tcl": "T", "kcl": "K",
    "h#": "SIL", "pau": "SIL", "epi": "SIL", "q": "SIL",
}  # fmt: skip
#: What the 39 classes do not tell apart, and the flap, which the dictionary writes T or D.
FOLDED = {"AO": "AA", "ZH": "SH"}
Segment = tuple[str, float, float]


def main() -> int:
    """Run the measurement asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["boundaries", "errors", "swapped"])
    parser.add_argument("--timit", type=Path, help="folder in TIMIT's layout, with .phn files")
    parser.add_argument("--manifest", type=Path, action="append", default=[])
    parser.add_argument("--model", type=Path, help="the included aligner by default")
    parser.add_argument("--count", type=int, default=200, help="utterances in which a word is swapped")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.what == "errors":
        errors(arguments)
        return 0
    aligner = Aligner.load(arguments.model)
    if arguments.what == "boundaries":
        boundaries(aligner, timit_utterances(arguments.timit))
    else:
        swapped(aligner, arguments.manifest, arguments.count, arguments.seed)
    return 0


def timit_utterances(root: Path | None) -> list[tuple[Path, str, list[Segment]]]:
    """Audio, text and hand-labelled phones of every utterance."""
    if root is None or not root.is_dir():
        raise SpeechError(f"--timit {root}: no such folder")
    from speech.prepare.timit import rows

    return [(row.audio_filepath, row.text, hand_labels(beside(row.audio_filepath))) for row in rows(root)]


def beside(recording: Path) -> Path:
    """The file of a recording's phones, in either case as TIMIT comes in both."""
    for suffix in (".phn", ".PHN"):
        if recording.with_suffix(suffix).is_file():
            return recording.with_suffix(suffix)
    raise SpeechError(f"{recording}: has no .phn file with its phones beside it; leave it out or get TIMIT complete")


def hand_labels(path: Path) -> list[Segment]:
    """Phones of a .phn file in ARPAbet; a closure and the burst after it are one."""
    segments: list[Segment] = []
    joins = ""
    for line in path.read_text().splitlines():
        start, end, label = line.split()
        phone = TIMIT_LABELS.get(label, label.upper())
        start_s, end_s = int(start) / TIMIT_RATE_HZ, int(end) / TIMIT_RATE_HZ
        bursts = {"D": ("D", "JH"), "T": ("T", "CH")}.get(joins, (joins,))
        if joins and phone in bursts and not label.endswith("cl"):
            segments[-1] = (phone, segments[-1][1], end_s)
        else:
            segments.append((phone, start_s, end_s))
        joins = phone if label.endswith("cl") else ""
    return segments


def fold(phone: str) -> str:
    """One of the 39 classes, or SIL."""
    phone = phone.rstrip("012")
    return "SIL" if phone == "SP" else FOLDED.get(phone, phone)


def boundaries(aligner: Aligner, utterances: list[tuple[Path, str, list[Segment]]]) -> None:
    """Print how far the boundaries of matching phones are from the hand labels."""
    distances: list[float] = []
    started, audio_s = time.process_time(), 0.0
    for path, text, labels in utterances:
        alignment = aligner.align(path, text)
        audio_s += alignment.duration_s
        ours = [(p.phone, p.start_s, p.end_s) for p in alignment.phones]
        distances += boundary_distances(labels, ours)
    values = np.abs(distances)
    print(
        f"{len(utterances)} utterances, {len(values)} boundaries: {np.mean(values <= 0.0201):.1%} within 20 ms,"
        f" {np.mean(values <= 0.0501):.1%} within 50 ms, median {np.median(values) * 1e3:.1f} ms,"
        f" mean {values.mean() * 1e3:.1f} ms, bias {np.mean(distances) * 1e3:+.1f} ms;"
        f" {(time.process_time() - started) / audio_s:.4f} s of processor a second of audio"
    )


def boundary_distances(reference: list[Segment], found: list[Segment]) -> list[float]:
    """Seconds from each hand-set boundary to ours: of phones matched in order, starts, and ends before a silence."""
    rows = [(fold(p), s, e, i + 1 == len(reference) or fold(reference[i + 1][0]) == "SIL")
            for i, (p, s, e) in enumerate(reference) if fold(p) != "SIL"]  # fmt: skip
    columns = [(fold(p), s, e) for p, s, e in found if fold(p) != "SIL"]
    distances = []
    for i, j in matched([row[0] for row in rows], [column[0] for column in columns]):
        distances.append(columns[j][1] - rows[i][1])
        if rows[i][3]:
            distances.append(columns[j][2] - rows[i][2])
    return distances


def matched(reference: list[str], found: list[str]) -> list[tuple[int, int]]:
    """Pairs of the cheapest edit path, substitutions included."""
    cost = np.zeros((len(reference) + 1, len(found) + 1))
    cost[:, 0], cost[0, :] = np.arange(len(reference) + 1), np.arange(len(found) + 1)
    for i in range(1, len(reference) + 1):
        for j in range(1, len(found) + 1):
            swap = cost[i - 1, j - 1] + (0 if reference[i - 1] == found[j - 1] else 1.1)
            cost[i, j] = min(swap, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    pairs, i, j = [], len(reference), len(found)
    while i and j:
        swap = cost[i - 1, j - 1] + (0 if reference[i - 1] == found[j - 1] else 1.1)
        if cost[i, j] == swap:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def errors(arguments: argparse.Namespace) -> None:
    """Print phone error rates of every phone head: against hand labels, and against the dictionary's phones.

    Of several pronunciations the included aligner chooses.
    """
    from speech.aligner import SHIPPED_MODEL
    from speech.loading import load_to_listen
    from speech.phone_consensus import PhoneConsensus
    from speech.phone_recognition import PhoneRecognizer, load_phone_model

    aligner, loaded = Aligner.load(), load_to_listen(arguments.model or SHIPPED_MODEL, "cpu")
    sets: dict[str, list[tuple[Path | Clip, list[str]]]] = {}
    if arguments.timit:
        sets["timit"] = [(path, [fold(s[0]) for s in labels]) for path, _, labels in timit_utterances(arguments.timit)]
    for manifest in arguments.manifest:
        sets[manifest.stem] = [
            (Clip.of(row), [p.phone for p in aligner.align(Clip.of(row), row.text).phones])
            for row in read_manifest(manifest)
        ]
    heads = [name for name, units in loaded.units.items() if units.kind in ("phone", "stressed_phone")]
    for head in heads:
        ways: dict[str, dict] = {"best path": {"ngram_weight": 0.0}, "with phone n-gram": {}}
        if loaded.heads[head].loss == "ctc":
            ways = {"best path": {"views": 1}, "best path of three views": {"views": 3}}
        for how, settings in ways.items():
            recognizer = PhoneRecognizer(loaded, head, **settings)
            report(f"head {head}, {how}", sets, lambda path: [w.text for w in recognizer.transcribe(path).words])  # noqa: B023
    by_words = load_phone_model(arguments.model) if "decoding" in loaded.card else None
    if by_words is not None and isinstance(by_words.decoding, PhoneConsensus):
        report("by way of words", sets, lambda path: [w.text for w in by_words.transcribe(path).words])


def report(how: str, sets: dict[str, list[tuple[Path | Clip, list[str]]]], recognize: Callable) -> None:
    """Print the phone error rate of each set."""
    for name, rows in sets.items():
        counts = ErrorCounts(0, 0)
        for path, phones in rows:
            found = [fold(phone) for phone in recognize(path)]
            counts += score([fold(p) for p in phones if fold(p) != "SIL"], [phone for phone in found if phone != "SIL"])
        print(f"{name}, {how}: {counts.rate:.1%} phone errors ({counts.errors} of {counts.total})", flush=True)


def swapped(aligner: Aligner, manifests: list[Path], count: int, seed: int) -> None:
    """Put another word in a random place of each transcript; print how often it has the lowest score."""
    rows = [row for manifest in manifests for row in read_manifest(manifest) if len(row.text.split()) > 2]
    if not rows:
        raise SpeechError("swapped: no transcript has three words or more; name manifests of some with --manifest")
    rng = random.Random(seed)
    vocabulary = sorted({word for row in rows for word in row.text.lower().split() if word.isalpha()})
    picked = rng.sample(rows, min(count, len(rows)))
    found = 0
    for row in picked:
        words = row.text.lower().split()
        place = rng.randrange(len(words))
        words[place] = rng.choice([word for word in vocabulary if word != words[place]])
        aligned = aligner.align(Clip.of(row), " ".join(words)).words
        lowest = min(range(len(aligned)), key=lambda i: aligned[i].score)
        found += aligned[lowest].word == words[place] and len(aligned) == len(words) and lowest == place
    print(f"{len(picked)} utterances with a word swapped: it has the lowest score in {found / len(picked):.1%}")


if __name__ == "__main__":
    sys.exit(guarded(main))
