"""An acoustic model in one file: weights as safetensors, everything else as JSON in its header."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech.checkpoint import building, read_packed, write_packed
from speech.config import from_dict, to_dict
from speech.packing import Precision, unpack
from tts.contract import AudioContract, contract_from_header
from tts.models import AcousticConfig, AcousticModel

FORMAT = "acoustic-1"
SHIPPED = Path(__file__).parent / "weights" / "acoustic_kathleen.safetensors"


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
            The file is missing, damaged, of another format, or its weights do not fit its configuration.
        """
        path = Path(path or SHIPPED)
        header, tensors = read_packed(path, FORMAT, "acoustic model")
        contract = contract_from_header(header, path)
        with building(path):
            config = from_dict(AcousticConfig, header["config"], "config.", str(path))
            # Not on the device "meta", whose first use imports torch's compiler: 3.5 s instead of 0.04 s.
            model = AcousticModel(config, contract.num_mels)
            model.load_state_dict(unpack(tensors))
            habits = {word: tuple(phones.split()) for word, phones in header["habits"].items()}
            detail = tuple(map(float, header.get("detail", ())))
            if len(detail) not in (0, contract.num_mels):
                raise ValueError(f"detail has {len(detail)} values for {contract.num_mels} mel bands")
            found = cls(
                model.requires_grad_(False).eval(), contract, tuple(header["speakers"]), habits,
                float(header["pause_threshold"]), header.get("card", {}), detail,
            )  # fmt: skip
        return found
