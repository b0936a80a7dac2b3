"""An acoustic model in one file: weights as safetensors, everything else as JSON in its header."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech.checkpoint import building, read_packed, write_packed
from speech.config import from_dict, to_dict
from speech.errors import CheckpointError, ConfigError
from speech.packing import Precision, unpack
from speech.units import STRESSED_ARPABET
from tts.contract import AudioContract, contract_from_header, finite
from tts.models import AcousticConfig, AcousticModel

FORMAT = "acoustic-1"
SHIPPED = Path(__file__).parent / "weights" / "acoustic_kathleen.safetensors"


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """What a file says beside weights, configuration and contract; see `Acoustic`."""

    speakers: tuple[str, ...]
    habits: dict  # word: its phones between spaces
    pause_threshold: float
    detail: tuple[float, ...] = ()

    def __post_init__(self):
        if not self.speakers or len(set(self.speakers)) < len(self.speakers):
            raise ValueError(f"speakers must be names, each once and at least one, got {list(self.speakers)}")
        if not 0.0 <= self.pause_threshold <= 1.0:
            raise ValueError(f"pause_threshold must be from 0 to 1, got {self.pause_threshold}")
        for number, ratio in enumerate(self.detail):
            if not 0.0 < ratio < math.inf:
                raise ValueError(f"detail.{number} must be positive and finite, got {ratio}")
        for word, phones in self.habits.items():
            if not isinstance(phones, str) or not phones or not set(phones.split()) <= set(STRESSED_ARPABET):
                raise ValueError(f"habits.{word} must be ARPAbet phones, vowels with their stress, got {phones!r}")


@dataclass
class Acoustic:
    """A trained acoustic model with what belongs to it.

    Attributes
    ----------
    model : AcousticModel in evaluation mode
    contract : frames that it predicts
    speakers : names of its voices, in the order of the embedding
    habits : how the voice says words that the dictionary gives several pronunciations
    pause_threshold : probability from which a pause is made
    card : data, licence, recipe, seed, measured results
    detail : how much more recordings vary than what is painted, for each cepstrum (`tts.finish`); nothing: not known
    """

    model: AcousticModel
    contract: AudioContract
    speakers: tuple[str, ...]
    habits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pause_threshold: float = 0.5
    card: dict[str, Any] = field(default_factory=dict)
    detail: tuple[float, ...] = ()

    def save(self, path: str | Path, precision: Precision = "float16") -> None:
        """Write to one file, atomically.

        Raises
        ------
        CheckpointError
            The file cannot be written; what stood at `path` before is untouched.
        """
        header = {
            "config": to_dict(self.model.config),
            "contract": to_dict(self.contract),
            "speakers": list(self.speakers),
            "habits": {word: " ".join(phones) for word, phones in self.habits.items()},
            "pause_threshold": self.pause_threshold,
            "detail": list(self.detail),
            "card": self.card,
        }
        write_packed(path, FORMAT, header, self.model.state_dict(), precision)

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Acoustic":
        """Read a model written by `save`; the one that comes with the package without `path`.

        Raises
        ------
        CheckpointError
            The file is missing, damaged, of another format, a setting is beyond its range, or the weights are not
            finite or do not fit the configuration.
        """
        path = Path(path or SHIPPED)
        header, tensors = read_packed(path, FORMAT, "acoustic model")
        contract = contract_from_header(header, path)
        settings = _settings_from_header(header, path)
        with building(path):
            config = from_dict(AcousticConfig, header["config"], "config.", str(path))
            # Not on the device "meta", whose first use imports torch's compiler: 3.5 s instead of 0.04 s.
            model = AcousticModel(config, contract.num_mels)
            model.load_state_dict(finite(unpack(tensors), path))
            if len(settings.speakers) > config.num_speakers:
                raise ValueError(f"there are {len(settings.speakers)} speakers, for num_speakers={config.num_speakers}")
            if len(settings.detail) not in (0, contract.num_mels):
                raise ValueError(f"detail has {len(settings.detail)} values for {contract.num_mels} mel bands")
        habits = {word: tuple(phones.split()) for word, phones in settings.habits.items()}
        return cls(
            model.requires_grad_(False).eval(), contract, settings.speakers, habits, settings.pause_threshold,
            header.get("card", {}), settings.detail,
        )  # fmt: skip


def _settings_from_header(header: dict[str, Any], path: Path) -> _Settings:
    """The settings in the JSON header of a file; raises CheckpointError, which names the one that is wrong."""
    try:
        given = {name: header[name] for name in _Settings.__dataclass_fields__ if name in header}
        return from_dict(_Settings, given, "", str(path))
    except ConfigError as error:
        raise CheckpointError(f"{error}; export it with this version") from error
