"""Phones: from a flat start to aligned speech and a trained model.

    python -m recipes.phones.run --data DATA                              # the aligner
    python -m recipes.phones.run --data DATA --config recipes/phones/heads.toml   # a head by CE or CTC, all corpora
    python -m recipes.phones.run --data DATA --set training.epochs=20     # longer; a run that stopped goes on

`--data` holds one folder a corpus in its official layout, as for recipes/english. With TIMIT's hand labels there
(`timit*`), boundaries are measured; nothing is trained on them.

The aligner is a network, trained from a flat start, with mixtures that look at every 5 ms: `aligner.safetensors`.
"""

import argparse
import logging
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run by its path, a script sees its own folder alone

from recipes.english.run import noise_overrides, write_manifests
from recipes.phones import evaluate
from recipes.phones.mixtures import fit, store
from speech import checkpoint
from speech.aligner import Aligner
from speech.cli import guarded
from speech.config import load_config
from speech.corpus import read_manifest, write_manifest
from speech.experiment import ExperimentConfig
from speech.training import train

HERE = Path(__file__).parent
#: Corpora that the aligner is trained on, those transcripts that people wrote; the recogniser takes all.
TRANSCRIBED = ("librispeech", "common_voice", "cmu_arctic", "kathleen", "ljspeech")
MOST_S = 1200.0  #: of one speaker, for the aligner: many speakers tell more than much of one
STEPS = ["prepare", "train", "mixtures", "evaluate"]


def main() -> int:
    """Run the steps asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--steps", nargs="+", choices=STEPS, help="(default: all; mixtures for aligner.toml only)")
    parser.add_argument("--config", type=Path, default=HERE / "aligner.toml")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    config = load_config(arguments.config, ExperimentConfig, arguments.set)
    steps = arguments.steps or [s for s in STEPS if s != "mixtures" or arguments.config.name == "aligner.toml"]
    folder = config.data.train[0].parent
    if folder.name == "all":  # heads.toml learns from all there is
        folder = folder.parent
    if "prepare" in steps:
        prepare_manifests(arguments.data, folder)
    model = config.training.output_dir / "model.safetensors"
    with_mixtures = model.with_name("aligner.safetensors")
    if "train" in steps:
        train(arguments.config, [*noise_overrides(config, arguments.data), *arguments.set])
    if "mixtures" in steps:
        loaded = checkpoint.load(model)
        store(loaded, fit(loaded, read_manifest(config.data.train[0])), with_mixtures)
    if "evaluate" in steps:
        newer = with_mixtures.exists() and with_mixtures.stat().st_mtime >= model.stat().st_mtime
        measured = with_mixtures if newer else model
        print(f"{measured}:")
        aligner = Aligner.load(measured)
        for timit in sorted(filter(Path.is_dir, arguments.data.glob("timit*"))):
            evaluate.boundaries(aligner, evaluate.timit_utterances(timit))
        tests = sorted(folder.glob("all/test_*.jsonl"))
        if tests:
            evaluate.swapped(aligner, tests, count=200, seed=1)
    return 0


def prepare_manifests(data: Path, folder: Path) -> None:
    """Write `train.jsonl` for the aligner and `dev.jsonl` into `folder`, and all there is into `folder/all`."""
    write_manifests(data, folder / "all")
    heard_s: Counter[tuple[str, str]] = Counter()
    chosen = []
    for row in read_manifest(folder / "all" / "train.jsonl"):
        speaker = (row.corpus, row.speaker)
        if row.text and row.corpus in TRANSCRIBED and row.confidence is None and heard_s[speaker] < MOST_S:
            heard_s[speaker] += row.duration
            chosen.append(row)
    write_manifest(folder / "train.jsonl", chosen)
    write_manifest(
        folder / "dev.jsonl", [row for path in sorted(folder.glob("all/dev_*.jsonl")) for row in read_manifest(path)]
    )


if __name__ == "__main__":
    sys.exit(guarded(main))
