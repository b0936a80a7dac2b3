"""Random speed, room, noise and level for training waveforms, drawn from one configuration."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from speech import audio
from speech.errors import CorpusError
from speech.files import stamp
from speech.frontend import augment
from speech.frontend.augment import Waveform


@dataclass(frozen=True, kw_only=True)
class WaveformAugmentConfig:
    """How often and how strongly waveforms are changed.

    `speed_factors` are drawn evenly. Rooms that ring for longer than `max_t60_s` are left out, and
    the others are drawn with weight 1 / max(T60, `min_t60_s`), so that a set full of halls does not
    drown a data set. `gain_db` is the largest change of level to either side.
    """

    speed_factors: tuple[float, ...] = (0.9, 1.0, 1.1)
    reverberation_probability: float = 0.3
    noise_probability: float = 0.3
    min_snr_db: float = 5.0
    max_snr_db: float = 25.0
    min_t60_s: float = 0.3
    max_t60_s: float = 1.5
    gain_db: float = 6.0

    def __post_init__(self):
        for name in ("reverberation_probability", "noise_probability"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        if not self.speed_factors:
            raise ValueError("speed_factors must not be empty; use (1.0,) for no change")
        for name in ("min_snr_db", "max_snr_db", "gain_db"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be a finite number, got {getattr(self, name)}")
        for factor in self.speed_factors:
            if not 0.1 <= factor <= 10.0:  # so NaN is refused too
                raise ValueError(f"speed_factors must lie between 0.1 and 10, got {factor}")
        if self.min_snr_db > self.max_snr_db:
            raise ValueError(f"min_snr_db={self.min_snr_db} exceeds max_snr_db={self.max_snr_db}")
        if not 0.0 < self.min_t60_s <= self.max_t60_s or self.gain_db < 0.0:
            raise ValueError("needs 0 < min_t60_s <= max_t60_s and gain_db >= 0")


class WaveformAugmenter:
    """Change waveforms at random: speed, then room, then noise, then level.

    Parameters
    ----------
    config : WaveformAugmentConfig
    noise_paths, rir_paths : sequence of path
        Recordings to draw from; without any, that step is left out. Read on first use and kept.
    t60_s : mapping of file name to float, optional
        Reverberation times of the rooms; a room without one counts as `config.min_t60_s`.
    """

    def __init__(
        self,
        config: WaveformAugmentConfig,
        noise_paths: Sequence[Path] = (),
        rir_paths: Sequence[Path] = (),
        t60_s: dict[str, float] | None = None,
    ):
        self.config = config
        self.noise_paths = [Path(path) for path in noise_paths]
        times = {Path(path): (t60_s or {}).get(Path(path).name, 0.0) for path in rir_paths}
        self.rir_paths = [path for path, time in times.items() if time <= config.max_t60_s]
        weights = np.array([1.0 / max(times[path], config.min_t60_s) for path in self.rir_paths])
        self._rir_weights = weights / weights.sum()

    @classmethod
    def from_folder(cls, config: WaveformAugmentConfig, folder: Path) -> "WaveformAugmenter":
        """Take `noise/*`, `rirs/*` and the column `t60_est` of `rir_stats.tsv` from a folder.

        Raises
        ------
        CorpusError
            The folder holds neither noise nor rooms, or the table lacks a column.
        """
        folder = Path(folder)
        noises, rooms = audio_files(folder / "noise"), audio_files(folder / "rirs")
        if not noises and not rooms:
            raise CorpusError(f"{folder}: holds neither noise/ nor rirs/ with files in it")
        table = folder / "rir_stats.tsv"
        return cls(config, noises, rooms, _read_t60(table) if table.exists() else None)

    def __repr__(self) -> str:
        """Everything that decides what comes out, so that it can key a cache of features."""
        files = [(path.name, *_stamp(path)) for path in self.noise_paths + self.rir_paths]
        return f"WaveformAugmenter({self.config}, {files}, {self._rir_weights.tolist()})"

    def __call__(self, waveform: Waveform, sample_rate_hz: int, rng: np.random.Generator) -> Waveform:
        """Return a changed copy of a waveform.

        Parameters
        ----------
        waveform : float32 [N]
            Samples in [-1, 1].
        sample_rate_hz : int
            Noise and rooms are brought to this rate.
        rng : numpy Generator
            All draws come from here; their number does not depend on the waveform.

        Returns
        -------
        float32 [about N / speed factor]
        """
        config = self.config
        factor = config.speed_factors[rng.integers(len(config.speed_factors))]
        waveform = augment.speed_perturb(waveform, factor)
        if rng.random() < config.reverberation_probability and self.rir_paths:
            path = self.rir_paths[rng.choice(len(self.rir_paths), p=self._rir_weights)]
            waveform = augment.reverberate(waveform, _read(path, sample_rate_hz))
        if rng.random() < config.noise_probability and self.noise_paths:
            path = self.noise_paths[rng.integers(len(self.noise_paths))]
            snr_db = rng.uniform(config.min_snr_db, config.max_snr_db)
            waveform = augment.add_noise(waveform, _read(path, sample_rate_hz), snr_db, rng)
        return augment.change_level(waveform, rng.uniform(-config.gain_db, config.gain_db))


def audio_files(folder: Path) -> list[Path]:
    """Audio files of a folder, sorted; none when it is missing."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in audio.SNDFILE_SUFFIXES)


def _read_t60(table: Path) -> dict[str, float]:
    """File name -> reverberation time in seconds."""
    with table.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, delimiter="\t")
        for name in ("file", "t60_est"):
            if name not in (reader.fieldnames or ()):
                raise CorpusError(f"{table}: has no column {name!r}")
        found = {}
        for number, row in enumerate(reader, 2):
            try:
                found[row["file"]] = float(row["t60_est"])
            except (TypeError, ValueError) as error:
                raise CorpusError(f"{table}, row {number}: t60_est is no number, got {row['t60_est']!r}") from error
        return found


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of change of a file, so that copies made with another are not taken for those of this one.

    Raises
    ------
    CorpusError
        The file has gone.
    """
    found = stamp(path)
    if found == (0, 0):
        raise CorpusError(f"{path}: cannot be read")
    return found


@lru_cache(maxsize=1024)
def _read(path: Path, sample_rate_hz: int) -> Waveform:
    """Recording at a rate, kept: half an hour at 16 kHz takes 115 MB."""
    return audio.read(path, sample_rate_hz=sample_rate_hz)[0]
