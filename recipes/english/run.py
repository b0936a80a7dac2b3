"""English from many corpora: manifests, a model of characters and phones, its errors on the test sets.

    python recipes/english/run.py --data ../shared/data                       # prepare, train, evaluate
    python recipes/english/run.py --data /data --set training.epochs=40        # of each part; goes on after a stop
    python recipes/english/run.py --data /data --steps evaluate --model M      # errors of a model alone

`--data` holds one folder a corpus, each in its official layout and at any size; those that are missing are left out and
named. Development sets (LibriSpeech dev-clean, Common Voice dev) choose the weights; test sets are only reported.
"""

import argparse
import itertools
import logging
import sys
from pathlib import Path

from speech import audio
from speech.cli import guarded, nested
from speech.config import load_config
from speech.corpus import Utterance, read_manifest, write_manifest
from speech.errors import ConfigError, CorpusError
from speech.experiment import ExperimentConfig
from speech.files import set_aside
from speech.frontend.augmenter import audio_files
from speech.prepare import prepare
from speech.training import train

HERE = Path(__file__).parent
logger = logging.getLogger("english")

#: folders (a pattern) -> corpus, splits to choose by, splits to report on; all others are trained on
CORPORA = {
    "LibriSpeech": ("librispeech", ("dev-clean", "dev-other"), ("test-clean", "test-other")),
    "cv-corpus*/en": ("common_voice", ("dev",), ("test",)),
    "speechocean762": ("speechocean762", (), ("test",)),
    "cmu_us_*_arctic": ("cmu_arctic", (), ("test",)),
    "kathleen": ("ljspeech", (), ("test",)),
    "LJSpeech*": ("ljspeech", (), ("test",)),
}
STEPS = ["prepare", "train", "evaluate"]
NOISE_PARTS_S = (4.0, 8.0, 12.0)  # in turn; background noise is learned as utterances without words


def main() -> int:
    """Run the steps asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument(
        "--config",
        type=Path,
        nargs="+",
        default=[HERE / "ctc.toml", HERE / "crf.toml", HERE / "consistency.toml"],
        help="trained one after the other, each from the weights of the one before",
    )
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="of the configuration"
    )
    parser.add_argument("--model", type=Path, help="model to evaluate; the one just trained by default")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    configs = [load_config(path, ExperimentConfig, arguments.set) for path in arguments.config]
    if len({config.training.output_dir for config in configs}) < len(configs):
        raise ConfigError("training.output_dir: each --config needs its own folder; set it with one --config alone")
    folder = configs[0].data.train[0].parent
    model = arguments.model or configs[-1].training.output_dir / "model.safetensors"
    if "prepare" in arguments.steps:
        write_manifests(arguments.data, folder)
    if "train" in arguments.steps:
        found = [str(path) for path in sorted(folder.glob("dev_*.jsonl"))]  # of the corpora that there are
        begun_from: list[str] = []  # of every part but the first, the one before
        for path, config in zip(arguments.config, configs, strict=True):
            overrides = [f"data.dev={found}", *noise_overrides(config, arguments.data)]
            model = train(path, [*overrides, *arguments.set, *begun_from])
            begun_from = [f"training.init_from={model}"]
    if "evaluate" in arguments.steps:
        return evaluate(model, sorted(folder.glob("test_*.jsonl")) + sorted(folder.glob("dev_*.jsonl")))
    return 0


def noise_overrides(config: ExperimentConfig, data: Path) -> list[str]:
    """Let copies of the recordings be made with the noise and rooms of `data`, if there are any."""
    folder = data / "augment"
    return [f"augment.folder={folder}"] if config.augment.copies > 1 and folder.is_dir() else []


def write_manifests(data: Path, folder: Path) -> None:
    """Write `train.jsonl` and one `dev_*.jsonl` or `test_*.jsonl` a split into `folder`; others are put aside."""
    train_rows = noise_rows(data / "augment" / "noise")
    written: set[Path] = set()
    for pattern, (corpus, dev_splits, test_splits) in CORPORA.items():
        roots = sorted(filter(Path.is_dir, data.glob(pattern)))
        if not roots:
            logger.warning("%s: no such folder, left out", data / pattern)
        for root in roots:
            name = "_".join(root.relative_to(data).parts)
            for split, manifest in prepare(corpus, root, folder / name).items():
                rows = read_manifest(manifest)
                if split in dev_splits or split in test_splits:
                    kind = "dev" if split in dev_splits else "test"
                    path = folder / f"{kind}_{name}_{split}.jsonl"
                    write_manifest(path, rows)
                    written.add(path)
                else:
                    train_rows += rows
    if not any(row.text for row in train_rows):
        raise CorpusError(f"{data}: holds none of {', '.join(CORPORA)}")
    write_manifest(folder / "train.jsonl", train_rows)
    for path in sorted({*folder.glob("dev_*.jsonl"), *folder.glob("test_*.jsonl")} - written):
        logger.warning("%s: of other corpora than --data, now %s", path, set_aside(path).name)
    logger.info("%d utterances, %.2f hours to train on", len(train_rows), sum(r.duration for r in train_rows) / 3600)


def noise_rows(folder: Path) -> list[Utterance]:
    """Parts of every background noise with an empty transcript, so that noise is not taken for words."""
    rows = []
    for path in audio_files(folder):
        left_s = audio.info(path).duration_s
        offset_s = 0.0
        for duration_s in itertools.cycle(NOISE_PARTS_S):
            if duration_s > left_s:
                break
            rows.append(Utterance(path, duration_s, "", offset=offset_s, corpus="noise"))
            offset_s, left_s = offset_s + duration_s, left_s - duration_s
    return rows


def evaluate(model: Path, manifests: list[Path]) -> int:
    """Print the errors on each manifest; returns the worst exit code."""
    worst = 0
    for manifest in manifests:
        print(f"\n{manifest.stem}", flush=True)
        worst = max(worst, nested(["evaluate", str(manifest), "--model", str(model)]))
    return worst


if __name__ == "__main__":
    sys.exit(guarded(main))
