"""What a person sees of a training run: a progress bar with an estimate, a log of JSON lines, TensorBoard."""

import itertools
import json
import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from speech.errors import ConfigError
from speech.experiment import TrainingConfig
from speech.files import set_aside
from speech.training_state import Progress

logger = logging.getLogger(__name__)
SMOOTHING = 0.98  # of the losses shown
PLAIN_LINE_S = 60.0  # between lines where there is no terminal


class TrainingLog:
    """Progress on stderr, `OUTPUT_DIR/log.jsonl`, and TensorBoard events if asked for.

    A run that begins, rather than goes on, has a new log; that of an earlier run in the folder is put aside.
    """

    def __init__(self, training: TrainingConfig, progress: Progress):
        self.training = training
        self.position = progress.position  # epochs done when the run began or went on
        self.begins = not progress.step
        self.smooth: dict[str, float] = {}
        self.terminal = sys.stderr.isatty()
        self.last_line = time.monotonic()
        self.first: tuple[float, float] | None = None

    def __enter__(self) -> "TrainingLog":
        folder = self.training.output_dir
        path = folder / "log.jsonl"
        if self.begins and path.exists():
            put_aside(path)
        written = path.read_bytes() if path.exists() else b""
        torn = bool(written) and not written.endswith(b"\n")
        self.file = open(path, "a", encoding="utf-8")  # noqa: SIM115
        if torn:
            self.file.write("\n")
        self.bar = tqdm(
            total=round(self.training.epochs, 3),
            initial=min(self.position, self.training.epochs),
            disable=not self.terminal,
            unit="epoch",
            bar_format="{l_bar}{bar}| {n:.2f}/{total_fmt} [{elapsed}<{remaining}] {postfix}",
        )
        self.writer = _summary_writer(folder) if self.training.tensorboard else None
        return self

    def __exit__(self, *_) -> None:
        self.file.close()
        self.bar.close()
        if self.writer:
            self.writer.close()

    def step(self, progress: Progress, position: float, losses: dict[str, float], rate: float) -> None:
        """Show one update."""
        if self.first is None:
            self.first = (position, progress.elapsed_s)
        for name, value in losses.items():
            old = self.smooth.get(name, value)
            self.smooth[name] = SMOOTHING * old + (1 - SMOOTHING) * value
        shown = " ".join(f"{name} {value:.3f}" for name, value in self.smooth.items())
        self.bar.n = min(position, self.training.epochs)
        self.bar.set_postfix_str(f"step {progress.step} {shown}")
        if time.monotonic() - self.last_line > PLAIN_LINE_S:
            self.last_line = time.monotonic()
            self.write("train", progress, position, learning_rate=rate, **self.smooth)
            if not self.terminal:
                logger.info(
                    "epoch %.2f/%g step %d %s, %s left",
                    position, self.training.epochs, progress.step, shown, self._left(progress, position),
                )  # fmt: skip
        if self.writer:
            for name, value in losses.items():
                self.writer.add_scalar(f"train/{name}", value, progress.step)

    def evaluation(self, progress: Progress, position: float, results: dict[str, float]) -> None:
        """Show the errors on the dev sets."""
        self.write("dev", progress, position, **results)
        tqdm.write(
            f"epoch {position:.2f}, {progress.elapsed_s / 3600:.2f} h of training: {_shown(results)}",
            file=sys.stderr,
        )
        if self.writer:
            for name, value in results.items():
                self.writer.add_scalar(f"dev/{name}", value, progress.step)

    def write(self, kind: str, progress: Progress, position: float, **values: Any) -> None:
        """Append a line to the log file."""
        line = {
            "kind": kind,
            "step": progress.step,
            "epoch": round(position, 4),
            "hours": round(progress.elapsed_s / 3600, 5),
            "audio_hours": round(progress.audio_s / 3600, 2),
        }
        self.file.write(json.dumps(line | values) + "\n")
        self.file.flush()

    def _left(self, progress: Progress, position: float) -> str:
        assert self.first is not None
        done, spent = position - self.first[0], progress.elapsed_s - self.first[1]
        if done <= 0:
            return "unknown time"
        seconds = int((self.training.epochs - position) * spent / done)
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


class InterruptGuard:
    """Turns the first Ctrl-C into a request that the loop honours between two steps."""

    requested = False

    def __enter__(self) -> "InterruptGuard":
        self.main = threading.current_thread() is threading.main_thread()
        if self.main:
            self.previous = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *_) -> None:
        if self.main:
            signal.signal(signal.SIGINT, self.previous)

    def _request(self, *_) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, self.previous)  # a second Ctrl-C stops at once


def put_aside(path: Path) -> None:
    """Give the log of an earlier run a name of its own, `log.1.jsonl` and so on."""
    free = set_aside(path, (f"{path.stem}.{number}{path.suffix}" for number in itertools.count(1)))
    logger.info("%s: begins anew; the earlier run's log is now %s", path, free.name)


def _summary_writer(folder):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            'training.tensorboard: TensorBoard is not installed; pip install "speech-toolkit[train]"'
        ) from error
    return SummaryWriter(folder / "tensorboard")


def read_curve(path: Path) -> list[str]:
    """Errors on the dev sets over hours of training, a line an evaluation, from a run's `log.jsonl`.

    Where a run went on from an earlier state, the later values count.
    """
    lines: dict[int, str] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(text)
        except json.JSONDecodeError:  # the process died while it wrote this line
            continue
        if row["kind"] == "dev":
            lines = {step: line for step, line in lines.items() if step < row["step"]}
            rates = {name: row[name] for name in ("wer", "cer", "per") if name in row}
            lines[row["step"]] = f"{row['hours']:.2f} h, epoch {row['epoch']:.1f}: {_shown(rates)}"
    return list(lines.values())


def _shown(rates: dict[str, float]) -> str:
    """Error rates in per cent.

    >>> _shown({"wer": 0.5, "cer": 0.125})
    'wer 50.0 %, cer 12.5 %'
    """
    return ", ".join(f"{name} {100 * rate:.1f} %" for name, rate in rates.items())
