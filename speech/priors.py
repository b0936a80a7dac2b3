"""How often units come anyway: what is divided out of a model's outputs before a language model says it once more.

An output is p(unit | sound); a search wants p(sound | unit), in proportion to p(unit | sound) / p(unit) (Bourlard &
Morgan, Connectionist Speech Recognition, 1994). CTC's outputs are divided so too, though more gently (Miao, Gowayyed &
Metze, EESEN, ASRU 2015).
"""

from typing import TYPE_CHECKING

import numpy as np

from speech.checkpoint import LoadedModel
from speech.errors import ConfigError
from speech.units import Units

if TYPE_CHECKING:
    from ctc import NGram

BLANK_SHARE = 0.6
"""Of the frames of speech, by the characters of the included model on development sets (0.59)."""
RAREST = 1e-6
"""Share that every character has at least."""


def log_prior(loaded: LoadedModel, head: str, lm: "NGram | None") -> np.ndarray | None:
    """What a search over a head with a language model divides by, float64 [K]; None if nothing.

    Raises
    ------
    ConfigError
        As `framewise_log_prior`.
    """
    from speech.lm.counting import SPACE

    units = loaded.units[head]
    if units.framewise:
        return framewise_log_prior(loaded, head)
    if units.kind == "character" and lm is not None and SPACE not in lm.ids:
        return log_character_shares(units, lm)
    return None


def framewise_log_prior(loaded: LoadedModel, head: str) -> np.ndarray:
    """Log prior of each unit of a head that labels every frame, float64 [K].

    Raises
    ------
    ConfigError
        The model holds none for this head, or not one a unit.
    """
    if not hasattr(loaded.model, "log_prior"):
        raise ConfigError(f"decoding.prior_scale needs priors of the head {head!r}, which the model lacks; set it to 0")
    priors = np.asarray(loaded.model.log_prior(head).cpu(), np.float64)
    if priors.shape != (len(loaded.units[head]),) or not np.isfinite(priors).all():
        raise ConfigError(f"priors of the head {head!r}: expected {len(loaded.units[head])} finite numbers")
    return priors


def log_character_shares(units: Units, lm: "NGram") -> np.ndarray:
    """Log share of the frames that each character has in text, float64 [K]; the blank has `BLANK_SHARE`.

    Parameters
    ----------
    units : Units of kind "character", by CTC
    lm : NGram of words
        Its unigram tells how often words come, each with a space beside it.
    """
    counts = np.full(len(units), RAREST)
    shares = 10.0 ** lm.arrays.log_probs[4 : len(lm.vocabulary) + 1].astype(np.float64)  # without <unk>, <s>, </s>
    for word, share in zip(lm.vocabulary[3:], shares.tolist(), strict=True):
        for character in word + " ":
            if character in units.ids:
                counts[units.ids[character]] += share
    counts[0] = 0.0
    counts *= (1.0 - BLANK_SHARE) / counts.sum()
    counts[0] = BLANK_SHARE
    return np.log(counts)
