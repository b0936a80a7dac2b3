"""Spoken digits, from the recordings to a model and its accuracy, in under five minutes on two cores.

    python recipes/digits/run.py --data free-spoken-digit-dataset [--set training.epochs=10]

The corpus is the Free Spoken Digit Dataset (CC BY-SA 4.0; `speech prepare fsdd ROOT --download` fetches it): ten
words, six speakers, 8 kHz. The official split is used: indices 0 to 4 of each digit and speaker are the test set.
Indices 5 to 9 are held out of training to choose the weights.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

import speech
from speech.cli import guarded
from speech.config import load_config
from speech.corpus import read_manifest, write_manifest
from speech.experiment import ExperimentConfig
from speech.prepare import prepare
from speech.sources import Clip
from speech.training import train

HERE = Path(__file__).parent
DEV_INDICES = range(5, 10)


def main() -> int:
    """Prepare, train, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="of the configuration"
    )
    parser.add_argument("--restart", action="store_true", help="do not resume an earlier run")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = load_config(HERE / "ctc.toml", ExperimentConfig, arguments.set)
    train_manifest, dev_manifest = config.data.train[0], config.data.dev[0]
    started = time.monotonic()
    manifests = prepare("fsdd", arguments.data, train_manifest.parent)
    rows = read_manifest(manifests["train"])
    held_out = [int(row.audio_filepath.stem.split("_")[-1]) in DEV_INDICES for row in rows]
    write_manifest(dev_manifest, [row for row, out in zip(rows, held_out, strict=True) if out])
    write_manifest(train_manifest, [row for row, out in zip(rows, held_out, strict=True) if not out])
    model = speech.load_model(train(HERE / "ctc.toml", arguments.set, restart=arguments.restart))
    print(f"prepared and trained in {time.monotonic() - started:.0f} s")
    report(model, manifests["test"])
    return 0


def report(model: "speech.Transcriber", manifest: Path) -> None:
    """Print how many recordings of the test set are transcribed exactly."""
    rows = read_manifest(manifest)
    wrong = 0
    for row in rows:
        text = model.transcribe(Clip.of(row)).text
        if text != row.text:
            wrong += 1
            print(f"{row.audio_filepath.name}: heard {text!r}, said {row.text!r}")
    print(f"{len(rows) - wrong} of {len(rows)} correct, {100 * (1 - wrong / len(rows)):.2f} %")


if __name__ == "__main__":
    sys.exit(guarded(main))
