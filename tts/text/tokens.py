"""What normalised text consists of: words to pronounce, letters to name, marks that may become pauses.

Text becomes tokens by rules. A rule has a name, a pattern, and a function from the pattern's match to spoken words:
lower case, a capital for a letter said by its name, marks of `BREAK_MARKS` as words of their own. The function may
return None to leave the text to the rules after it. Rules are tried in order at every place that no earlier match
covers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from speech.errors import SpeechError

#: Marks kept as tokens of kind "break"; how long each pauses is for the prosody to decide.
BREAK_MARKS = frozenset(",;:.?!…—-()[]{}\"'¶")
Kind = Literal["word", "letter", "break"]
Rule = tuple[str, str, Callable[[re.Match], str | None]]


class TextError(SpeechError):
    """Text that cannot be spoken; the message names the character and its place."""


@dataclass(frozen=True, slots=True)
class Token:
    """One unit of speakable text.

    Attributes
    ----------
    text : a word in a-z and apostrophes; a capital letter said by its name, with "'s" where it is plural or possessive;
        or one mark of `BREAK_MARKS` ("¶" ends a paragraph)
    kind : "word", "letter" or "break"
    start, end : the characters of the source it came from; several tokens may come from the same
    """

    text: str
    kind: Kind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or a piece of an overlong one.

    Attributes
    ----------
    tokens : in spoken order
    start, end : its characters in the source
    """

    tokens: tuple[Token, ...]
    start: int
    end: int

    @property
    def words(self) -> list[str]:
        """Texts of words and letters, without marks."""
        return [token.text for token in self.tokens if token.kind != "break"]

    def __str__(self) -> str:
        return " ".join(token.text for token in self.tokens)


def token_kind(text: str) -> Kind:
    """Kind of a token by its spelling.

    >>> [token_kind(text) for text in ("dog", "B's", ",")]
    ['word', 'letter', 'break']
    """
    if text in BREAK_MARKS:
        return "break"
    return "letter" if text[0].isupper() else "word"
