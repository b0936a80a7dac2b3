"""Transcripts as the recogniser writes them: lower-case words, apostrophes inside them, single spaces.

The rules carry a version, because an error rate means nothing without the normalisation it was counted under. What is
spoken but not spelt out (digits, currency and percent signs) and other alphabets stay in the text: `unexpressible`
shows them, so that the caller can leave such utterances out of training instead of learning from half a sentence.
"""

import re
import unicodedata
from collections.abc import Iterable

NORMALIZATION_VERSION = "en-1"

ENGLISH_ALPHABET = " 'abcdefghijklmnopqrstuvwxyz"

# Letters that Unicode does not decompose, in the usual English spelling of names.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʻ′`´＇ꞌ", "'"))
_SPOKEN_SYMBOLS = frozenset("$€£¥%@+=°#")
_INITIAL = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b|\W|$)")


def normalize_text(text: str, lang: str = "en") -> str:
    """Bring a transcript into the form that models are trained and scored on.

    Parameters
    ----------
    text : str
    lang : str
        Only "en" has rules so far.

    Returns
    -------
    str
        Lower case; accents folded; dashes, slashes and punctuation are word breaks or gone; "&" is "and"; apostrophes
        only between letters; single spaces. Digits and spoken signs ($ % ...) are kept, see `unexpressible`.

    Raises
    ------
    ValueError
        Unknown language.

    Examples
    --------
    >>> normalize_text("“Don’t” — said Zoë & the dogs' U.S. vet—at 5 %!")
    "don't said zoe and the dogs us vet at 5 %"
    """
    if lang != "en":
        raise ValueError(f'there are no rules for language "{lang}"; known: "en"')
    text = text.translate(_APOSTROPHES)  # before NFKD, which would split off U+00B4's accent
    decomposed = unicodedata.normalize("NFKD", text).lower()
    text = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf"))
    text = text.translate(_LETTERS).translate(_APOSTROPHES).replace("&", " and ")
    text = _INITIAL.sub(r"\1", text)  # "u.s." is one word, other full stops end one
    text = "".join(c if _is_kept(c) else " " for c in text)
    text = re.sub(r"(?<!\w)'+|'+(?!\w)|''+", " ", text)
    return " ".join(text.split())


def unexpressible(text: str, alphabet: Iterable[str] = ENGLISH_ALPHABET) -> str:
    """Characters of `text` that `alphabet` lacks, each once, in order; empty when all can be written.

    Examples
    --------
    >>> unexpressible("room 101 at 5 %")
    '105%'
    """
    return "".join(dict.fromkeys(c for c in text if c not in set(alphabet)))


def _is_kept(character: str) -> bool:
    """Letters and digits of any script, apostrophes and signs that are spoken."""
    return character.isalnum() or character == "'" or character in _SPOKEN_SYMBOLS
