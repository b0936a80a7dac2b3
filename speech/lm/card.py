"""The card of an n-gram model: a JSON file beside it, named after it, which says what it was trained on and how."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ctc.ngram import NGram
from speech.errors import CheckpointError
from speech.files import replacing
from speech.lm.kneser_ney import EstimationConfig

_KEYS = ("description", "data", "text_normalization", "order", "unit", "settings", "ngrams", "size_mib", "sha256")


def beside(path: str | Path) -> Path:
    """Where the card of a model is."""
    return Path(path).with_name(f"{Path(path).name}.json")


def read_card(path: Path) -> dict[str, Any]:
    """The card beside a model, where there is one and it is of that very file.

    Raises
    ------
    CheckpointError
        The file beside it is no card.
    """
    card_path = beside(path)
    if not card_path.is_file():
        return {}
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{card_path}: cannot be read as the card of {path.name} ({error}); remove it") from error
    if not isinstance(card, dict):
        raise CheckpointError(f"{card_path}: is no card of {path.name}; remove it or name it otherwise")
    if card.get("sha256") != sha256(path):
        return {"card": f"{card_path.name} is that of another file (sha256 differs)"}
    return card


def check_card(path: str | Path, carried: Sequence[str] = _KEYS) -> None:
    """See that no file but a card stands where that of a model will: one of `write_card`, or of the keys to be carried.

    What somebody added to another card would be lost.

    Raises
    ------
    CheckpointError
        Another file is there.
    """
    card_path = beside(path)
    try:
        written = tuple(json.loads(card_path.read_text(encoding="utf-8"))) in (_KEYS, tuple(carried))
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError):
        written = False
    if not written:
        raise CheckpointError(
            f"{card_path}: is there and is no card that `speech lm` wrote; move it, or name another model"
        )


def write_card(
    path: str | Path,
    model: NGram,
    config: EstimationConfig,
    *,
    texts: Sequence[str],
    normalization: str,
    prune_by: float,
    quantised: bool,
) -> None:
    """Write the card beside a model that stands at `path`.

    Parameters
    ----------
    path : path
    model : NGram
    config : EstimationConfig
        How it was estimated.
    texts : sequence of str
        Names of what it was estimated from.
    normalization : str
        Version of the form that texts were brought into, "none" if they were taken as they are.
    prune_by : float
        Threshold of the pruning after it, 0 for none.
    quantised : bool
    """
    settings = {
        "prune": list(config.thresholds),
        "prune_by": prune_by,
        "max_words": config.max_words,
        "discount_fallback": config.discount_fallback,
        "quantised": quantised,
    }
    values = (
        f"{model.order}-gram of {config.unit}s, modified Kneser-Ney smoothing",
        list(texts),
        normalization,
        model.order,
        config.unit,
        settings,
        list(model.level_sizes),
        round(Path(path).stat().st_size / 2**20, 2),
        sha256(path),
    )
    _write(path, dict(zip(_KEYS, values, strict=True)))


def carry_card(card: dict[str, Any], path: str | Path, *, quantised: bool) -> None:
    """Write the card of a model beside its conversion, which stands at `path`; rounded values stay rounded."""
    about: dict[str, Any] = {"size_mib": round(Path(path).stat().st_size / 2**20, 2), "sha256": sha256(path)}
    settings = card.get("settings")
    if isinstance(settings, dict) and quantised:
        about["settings"] = settings | {"quantised": True}
    _write(path, card | about)


def _write(path: str | Path, card: dict[str, Any]) -> None:
    """Write a card beside its model."""
    with replacing(beside(path)) as partial:
        partial.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def sha256(path: str | Path) -> str:
    """Checksum of a file as `sha256sum` prints it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
