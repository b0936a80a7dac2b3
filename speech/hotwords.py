"""Words and phrases that a search shall favour: the file that lists them, and what they are worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speech.decoding_config import DecodingConfig
from speech.errors import ConfigError
from speech.files import unreadable

if TYPE_CHECKING:
    from ctc import NGram

Hotwords = Mapping[str, float] | Sequence[str]


def as_transcribed(hotwords: Hotwords | None) -> Hotwords | None:
    """Words and phrases in the letters of transcripts.

    Raises
    ------
    ConfigError
        A single string, whose letters would each be taken for a word, or something that is no text.
    """
    from speech.text import normalize_text

    if isinstance(hotwords, str):
        raise ConfigError(
            "hotwords: a list or a mapping of words is needed; speech.hotwords.read_hotwords reads a file"
        )
    for phrase in hotwords or ():
        if not isinstance(phrase, str):
            raise ConfigError(f"hot-words: expected words or phrases, as text, got {phrase!r}")
    if isinstance(hotwords, Mapping):
        return {normalize_text(phrase): boost for phrase, boost in hotwords.items()}
    return None if hotwords is None else [normalize_text(phrase) for phrase in hotwords]


def boosts(hotwords: Hotwords | None, lm: "NGram | None", config: DecodingConfig) -> dict[str, float] | None:
    """Boosts in nats; a word that the language model lacks gets back what it loses for that.

    Raises
    ------
    ConfigError
        A boost that is no number that a search can use.
    """
    from ctc.beam_setup import DEFAULT_BOOST, MOST_BOOST
    from speech.lm.counting import SPACE

    if not hotwords:
        return None
    given = dict(hotwords) if isinstance(hotwords, Mapping) else dict.fromkeys(hotwords, DEFAULT_BOOST)
    for phrase, boost in given.items():
        if not isinstance(boost, int | float | np.number):
            raise ConfigError(f"hot-words: the boost of {phrase!r} must be a number, got {boost!r}")
        if not abs(boost) <= MOST_BOOST:
            raise ConfigError(f"hot-words: the boost of {phrase!r} must be within +-{MOST_BOOST:g} nats, got {boost:g}")
    if lm is None or SPACE in lm.ids:  # characters are all known
        return given
    penalty = -config.unknown_score * config.lm_weight * np.log(10.0)
    return {
        phrase: min(boost + penalty * sum(part not in lm.ids for part in phrase.split()), MOST_BOOST)
        for phrase, boost in given.items()
    }


def read_hotwords(path: str | Path) -> dict[str, float]:
    """Words or phrases to be favoured: one a line, then, after a tab, a boost in nats if it is not 8.

    Letters are taken as transcripts have them (lower case); empty lines and those that begin with "#" are skipped.

    Raises
    ------
    ConfigError
        The file cannot be read, or a boost is no number that a search can use (names file and row).
    """
    from ctc.beam_setup import DEFAULT_BOOST, MOST_BOOST
    from speech.text import normalize_text, unexpressible

    try:
        rows = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {unreadable(error)}") from error
    found: dict[str, float] = {}
    for number, row in enumerate(rows, 1):
        if not row.strip() or row.startswith("#"):
            continue
        text, tab, boost = row.partition("\t")
        phrase = normalize_text(text)
        strange = unexpressible(phrase)
        if strange or not phrase:
            what = "has no word"
            if strange:
                what = f"holds {', '.join(strange)}, which the model cannot write; spell it in letters"
                what += "" if tab else ", and put a tab before a boost"
            raise ConfigError(f"{path}, row {number}: {text.strip()!r} {what}")
        try:
            found[phrase] = float(boost) if tab else DEFAULT_BOOST
        except ValueError as error:
            raise ConfigError(f"{path}, row {number}: the boost {boost!r} is not a number") from error
        if not abs(found[phrase]) <= MOST_BOOST:
            raise ConfigError(f"{path}, row {number}: the boost must be within +-{MOST_BOOST:g} nats, got {boost!r}")
    if not found:
        raise ConfigError(f"{path}: holds no hot-words; write one a line")
    return found
