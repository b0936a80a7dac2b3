"""Text to words with phones: normalisation, lexicon, inline pronunciations, and the marks that may become pauses.

A pronunciation can be given in the text (see `tts.inline`), for that place alone; a lexicon file
(`speech.lexicon.read_lexicon`) holds for all places.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from speech.errors import SpeechError
from speech.lexicon import Lexicon
from speech.units import VOWELS
from tts.homographs import choose
from tts.inline import Given, InlineText, parse_inline, place_given
from tts.place import Place
from tts.text import Token
from tts.text import sentences as normalized_sentences
from tts.text.normalize import OnUnknown

Mark = Literal["", ",", ";", ".", "?", "!", "-", "(", '"']
#: Marks of `tts.text` as classes, the strongest first where several stand between two words.
MARK_CLASSES: dict[str, Mark] = {
    "?": "?", "!": "!", ".": ".", "¶": ".", ";": ";", ":": ";", ",": ",", "—": "-", "-": "-", "…": "-",
    "(": "(", ")": "(", "[": "(", "]": "(", "{": "(", "}": "(", '"': '"', "'": '"',
}  # fmt: skip
_STRENGTH = {mark: rank for rank, mark in enumerate(dict.fromkeys(MARK_CLASSES.values()))}


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word to say.

    Attributes
    ----------
    text : in a-z and apostrophes, a capital for a letter said by its name, or as written beside inline phones
    phones : ARPAbet with stress
    start, end : the characters of the text it came from
    mark : class of the punctuation after it, "" for none
    """

    text: str
    phones: tuple[str, ...]
    start: int
    end: int
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """A sentence to say.

    Attributes
    ----------
    words : at least one
    ends_paragraph : a longer pause follows
    """

    words: tuple[SpokenWord, ...]
    ends_paragraph: bool = False


@dataclass
class Pronouncer:
    """Text to spoken sentences.

    Parameters
    ----------
    lexicon : where pronunciations come from
    habits : the way a voice says words that the dictionary gives several pronunciations, e.g. weak forms; a user's
        lexicon goes before

    Examples
    --------
    >>> [sentence] = Pronouncer(Lexicon()).sentences("The old {tomato|T AH0 M AA1 T OW2}, 2 of them!")
    >>> [(word.text, " ".join(word.phones), word.mark) for word in sentence.words][:3]
    [('the', 'DH IY0', ''), ('old', 'OW1 L D', ''), ('tomato', 'T AH0 M AA1 T OW2', ',')]
    """

    lexicon: Lexicon
    habits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def sentences(self, text: str | InlineText, on_unknown: OnUnknown = "error") -> Iterator[SpokenSentence]:
        """Sentences of a text one after another; stretches without a word are passed over.

        Parameters
        ----------
        text : with inline pronunciations, or already taken apart
        on_unknown : characters without an English reading: "error", "name" (say their Unicode name) or "skip"

        Raises
        ------
        TextError
            A character cannot be spoken, or an inline pronunciation is none; names it and its place.
        PronunciationError
            A word gets no phones.
        """
        inline = parse_inline(text) if isinstance(text, str) else text
        waiting: SpokenSentence | None = None
        for sentence in normalized_sentences(inline.readable, on_unknown):
            words = self._words(place_given(inline, sentence, on_unknown), inline.text)
            paragraph = any(token.text == "¶" for token in sentence.tokens)
            if not words:
                if waiting is not None and paragraph:
                    waiting = SpokenSentence(waiting.words, True)
                continue
            if waiting is not None:
                yield waiting
            waiting = SpokenSentence(tuple(words), paragraph or "\n\n" in inline.text[sentence.end : sentence.end + 3])
        if waiting is not None:
            yield waiting

    def _words(self, tokens: Sequence[Token | Given], text: str) -> list[SpokenWord]:
        """Words of one sentence of `text`."""
        texts = [token.text.lower() for token in tokens]
        found: list[SpokenWord] = []
        fixed: list[bool] = []  # given by the user
        for index, token in enumerate(tokens):
            if isinstance(token, Given):
                found.append(SpokenWord(token.text, token.phones, token.start, token.end))
                fixed.append(True)
            elif token.kind == "break":
                if found:
                    found[-1] = _with_mark(found[-1], MARK_CLASSES[token.text])
            else:
                phones, is_users = self._phones(token, Place(texts, index, text[token.start : token.end]))
                found.append(SpokenWord(token.text, phones, token.start, token.end))
                fixed.append(is_users)
        return [
            word if users else _before_vowel(word, following)
            for word, users, following in zip(found, fixed, [*found[1:], None], strict=False)
        ]

    def _phones(self, token: Token, place: Place) -> tuple[tuple[str, ...], bool]:
        """Phones of a word at its place or of a letter's name, and whether they are the user's."""
        if token.kind == "letter":
            return self.lexicon.letter_name(token.text), False
        entry = self.lexicon.lookup(token.text)
        if entry.source == "user":
            return entry.pronunciations[0], True
        return choose(place, entry.pronunciations) or self.habits.get(token.text) or entry.pronunciations[0], False


def _with_mark(word: SpokenWord, mark: Mark) -> SpokenWord:
    """The word followed by the stronger of two marks."""
    if word.mark and _STRENGTH[word.mark] <= _STRENGTH[mark]:
        return word
    return SpokenWord(word.text, word.phones, word.start, word.end, mark)


def _before_vowel(word: SpokenWord, following: SpokenWord | None) -> SpokenWord:
    """The definite article as it is said before a vowel and before a consonant."""
    if word.text != "the" or following is None or word.phones[:1] != ("DH",):
        return word
    vowel = following.phones[0].rstrip("012") in VOWELS
    return SpokenWord(word.text, ("DH", "IY0" if vowel else "AH0"), word.start, word.end, word.mark)


class NothingToSay(SpeechError):
    """A text without a word."""
