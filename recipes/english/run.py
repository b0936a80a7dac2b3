"""English from many corpora: manifests, a character CTC model, its errors on four test sets.

    python recipes/english/run.py --data ../shared/data                       # prepare, train, evaluate
    python recipes/english/run.py --data /data --set training.epochs=40        # longer; a run that stopped goes on
    python recipes/english/run.py --data /data --steps evaluate --model M      # errors of a model alone

`--data` holds one folder a corpus, each in its official layout and at any size; those that are missing are left out and
named. Development sets (LibriSpeech dev-clean, Common Voice dev) choose the weights; test sets are only reported.
"""

import argparse
import itertools
import logging
from pathlib import Path

from speech import audio
from speech.config import load_config
from speech.corpus import Utterance, read_manifest, write_manifest
from speech.errors import CorpusError
from speech.experiment import ExperimentConfig
from speech.prepare import prepare
from speech.training import train

HERE = Path(__file__).parent
logger = logging.getLogger("english")

#: folder -> corpus, splits to train on, to choose by, to report on
CORPORA = {
    "LibriSpeech": ("librispeech", ("train-clean-100",), ("dev-clean",), ("test-other",)),
    "cv-corpus/en": ("common_voice", ("train", "other"), ("dev",), ("test",)),
    "speechocean762": ("speechocean762", ("train",), (), ("test",)),
    "cmu_us_slt_arctic": ("cmu_arctic", ("train",), (), ()),
    "cmu_us_bdl_arctic": ("cmu_arctic", ("train",), (), ()),
    "kathleen": ("ljspeech", ("train",), (), ()),
    "LJSpeech-mini": ("ljspeech", ("train",), (), ()),
}
NOISE_PARTS_S = (4.0, 8.0, 12.0)  # in turn; background noise is learned as utterances without words


def main() -> None:
    """Run the steps asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--steps", nargs="*", default=["prepare", "train", "evaluate"])
    parser.add_argument("--config", type=Path, default=HERE / "ctc.toml")
    parser.add_argument("--set", nargs="*", default=[], help="key=value of the configuration")
    parser.add_argument("--model", type=Path, help="model to evaluate; the one just trained by default")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    config = load_config(arguments.config, ExperimentConfig, arguments.set)
    folder = config.data.train[0].parent
    model = arguments.model or config.training.output_dir / "model.safetensors"
    if "prepare" in arguments.steps:
        write_manifests(arguments.data, folder)
    if "train" in arguments.steps:
        found = [str(path) for path in sorted(folder.glob("dev_*.jsonl"))]  # of the corpora that there are
        model = train(arguments.config, [f"data.dev={found}", *arguments.set])
    if "evaluate" in arguments.steps:
        evaluate(model, sorted(folder.glob("test_*.jsonl")) + sorted(folder.glob("dev_*.jsonl")))


def write_manifests(data: Path, folder: Path) -> None:
    """Write `train.jsonl` and one `dev_*.jsonl` or `test_*.jsonl` a split into `folder`."""
    train_rows = noise_rows(data / "augment" / "noise")
    for name, (corpus, train_splits, dev_splits, test_splits) in CORPORA.items():
        root = data / name
        if not root.is_dir():
            logger.warning("%s: no such folder, left out", root)
            continue
        splits = prepare(corpus, root, folder / name.replace("/", "_"))
        for split in train_splits:
            if split in splits:
                train_rows += read_manifest(splits[split])
        for kind, chosen in (("dev", dev_splits), ("test", test_splits)):
            for split in chosen:
                if split in splits:
                    rows = read_manifest(splits[split])
                    write_manifest(folder / f"{kind}_{corpus}_{split}.jsonl", rows)
    if not any(row.text for row in train_rows):
        raise CorpusError(f"{data}: holds none of {', '.join(CORPORA)}")
    write_manifest(folder / "train.jsonl", train_rows)
    logger.info("%d utterances, %.2f hours to train on", len(train_rows), sum(r.duration for r in train_rows) / 3600)


def noise_rows(folder: Path) -> list[Utterance]:
    """Parts of every background noise with an empty transcript, so that noise is not taken for words."""
    rows = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        left_s = audio.info(path).duration_s
        offset_s = 0.0
        for duration_s in itertools.cycle(NOISE_PARTS_S):
            if duration_s > left_s:
                break
            rows.append(Utterance(path, duration_s, "", offset=offset_s, corpus="noise"))
            offset_s, left_s = offset_s + duration_s, left_s - duration_s
    return rows


def evaluate(model: Path, manifests: list[Path]) -> None:
    """Print the errors on each manifest."""
    from speech.cli import main as speech_command

    for manifest in manifests:
        print(f"\n{manifest.stem}", flush=True)
        speech_command(["evaluate", str(manifest), "--model", str(model)])


if __name__ == "__main__":
    main()
