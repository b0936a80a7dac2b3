"""Phones: from a flat start to aligned speech and a trained model.

    python -m recipes.phones.run --data DATA                              # the aligner, on clearly read speech
    python -m recipes.phones.run --data DATA --config recipes/phones/recognizer.toml   # all corpora, CE and CTC heads
    python -m recipes.phones.run --data DATA --set training.epochs=20     # longer; a run that stopped goes on

`--data` holds one folder a corpus in its official layout, as for recipes/english. With TIMIT's hand labels there
(`timit*`), boundaries are measured; nothing is trained on them.
"""

import argparse
import logging
import sys
from pathlib import Path

from recipes.english.run import write_manifests
from recipes.phones import evaluate
from speech.aligner import Aligner
from speech.cli import guarded
from speech.config import load_config
from speech.corpus import read_manifest, write_manifest
from speech.experiment import ExperimentConfig
from speech.training import train

HERE = Path(__file__).parent
#: Corpora read clearly, that the small aligner is trained on; the recogniser takes all.
CLEAR = ("librispeech", "cmu_arctic", "kathleen", "ljspeech")
STEPS = ["prepare", "train", "evaluate"]


def main() -> int:
    """Run the steps asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--config", type=Path, default=HERE / "aligner.toml")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    config = load_config(arguments.config, ExperimentConfig, arguments.set)
    if "prepare" in arguments.steps:
        prepare_manifests(arguments.data, config.data.train[0].parent)
    if "train" in arguments.steps:
        train(arguments.config, arguments.set)
    if "evaluate" in arguments.steps:
        aligner = Aligner.load(config.training.output_dir / "model.safetensors")
        for timit in sorted(arguments.data.glob("timit*")):
            evaluate.boundaries(aligner, evaluate.timit_utterances(timit))
        tests = sorted(config.data.train[0].parent.glob("all/test_*.jsonl"))
        if tests:
            evaluate.swapped(aligner, tests, count=200, seed=1)
    return 0


def prepare_manifests(data: Path, folder: Path) -> None:
    """Write `train.jsonl` of the clear corpora and `dev.jsonl` into `folder`, and all there is into `folder/all`."""
    write_manifests(data, folder / "all")
    rows = [row for row in read_manifest(folder / "all" / "train.jsonl") if row.text and row.corpus in CLEAR]
    write_manifest(folder / "train.jsonl", rows)
    write_manifest(
        folder / "dev.jsonl", [row for path in sorted(folder.glob("all/dev_*.jsonl")) for row in read_manifest(path)]
    )


if __name__ == "__main__":
    sys.exit(guarded(main))
