"""Text to words with phones: normalisation, lexicon, inline pronunciations, and the marks that may become pauses.

A pronunciation can be given in the text as ``{tomato|T AH0 M AA1 T OW2}``: what is written, a bar, and ARPAbet
phones, vowels with their stress. It holds for that place alone; a lexicon file (`speech.lexicon.read_lexicon`) holds
for all places.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from speech.errors import SpeechError
from speech.lexicon import Lexicon
from speech.units import ARPABET, VOWELS
from tts.text import TextError, Token
from tts.text import sentences as normalized_sentences
from tts.text.normalize import OnUnknown

Mark = Literal["", ",", ";", ".", "?", "!", "-", "(", '"']
#: Marks of `tts.text` as classes, the strongest first where several stand between two words.
MARK_CLASSES: dict[str, Mark] = {
    "?": "?", "!": "!", ".": ".", "¶": ".", ";": ";", ":": ";", ",": ",", "—": "-", "-": "-", "…": "-",
    "(": "(", ")": "(", "[": "(", "]": "(", "{": "(", "}": "(", '"': '"', "'": '"',
}  # fmt: skip
_STRENGTH = {mark: rank for rank, mark in enumerate(dict.fromkeys(MARK_CLASSES.values()))}
_INLINE = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")


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


@dataclass(frozen=True, slots=True)
class InlineText:
    """Text without its inline pronunciations, and these.

    Attributes
    ----------
    text : plain
    spans : begin and end in `text` of each pronunciation, and its phones
    """

    text: str
    spans: tuple[tuple[int, int, tuple[str, ...]], ...] = ()


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
        spans = list(inline.spans)
        waiting: SpokenSentence | None = None
        for sentence in normalized_sentences(inline.text, on_unknown):
            words = self._words(sentence.tokens, spans)
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

    def _words(self, tokens: Sequence[Token], spans: list[tuple[int, int, tuple[str, ...]]]) -> list[SpokenWord]:
        """Words of one sentence; spans that were used are taken from the front of `spans`."""
        found: list[SpokenWord] = []
        used: tuple[int, int] | None = None
        for token in tokens:
            while spans and spans[0][1] <= token.start:
                spans.pop(0)
            inline = next((span for span in spans[:1] if span[0] < token.end), None)
            if inline is not None:
                if used != inline[:2]:
                    found.append(SpokenWord(token.text, inline[2], inline[0], inline[1]))
                    used = inline[:2]
                continue
            if token.kind == "break":
                if found:
                    found[-1] = _with_mark(found[-1], MARK_CLASSES[token.text])
                continue
            found.append(SpokenWord(token.text, self._phones(token), token.start, token.end))
        return [_before_vowel(word, following) for word, following in zip(found, [*found[1:], None], strict=False)]

    def _phones(self, token: Token) -> tuple[str, ...]:
        """Phones of a word or of a letter's name."""
        if token.kind == "letter":
            return self.lexicon.letter_name(token.text)
        entry = self.lexicon.lookup(token.text)
        if entry.source != "user" and token.text in self.habits:
            return self.habits[token.text]
        return entry.pronunciations[0]


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


def parse_inline(text: str) -> InlineText:
    """Take ``{written|PHONES}`` out of a text.

    Raises
    ------
    TextError
        No written word or no known phones between the braces; names it and its place.

    Examples
    --------
    >>> parse_inline("say {tomato|T AH0 M AA1 T OW2}").spans
    ((4, 10, ('T', 'AH0', 'M', 'AA1', 'T', 'OW2')),)
    """
    plain, spans, position, length = [], [], 0, 0
    for match in _INLINE.finditer(text):
        plain.append(text[position : match.start()])
        length += match.start() - position
        written = match[1].strip()
        if not any(c.isalnum() for c in written):
            raise TextError(f'"{match[0]}" at character {match.start() + 1}: write {{word|PHONES}}, with a word')
        spans.append((length, length + len(written), parse_phones(match[2], match[0], match.start())))
        plain.append(written)
        length += len(written)
        position = match.end()
    return InlineText("".join([*plain, text[position:]]), tuple(spans))


def parse_phones(text: str, shown: str, position: int) -> tuple[str, ...]:
    """ARPAbet phones between spaces, vowels without a digit unstressed; `shown` and `position` are for the message.

    Raises
    ------
    TextError
        None, or an unknown one.
    """
    phones = []
    for phone in text.upper().split():
        name = phone.rstrip("012")
        if name not in ARPABET or len(phone) - len(name) > (name in VOWELS):
            raise TextError(
                f'"{shown}" at character {position + 1}: unknown phone "{phone}"; ARPAbet has {" ".join(ARPABET)}, '
                "vowels with a stress of 0, 1 or 2"
            )
        phones.append(f"{name}0" if name in VOWELS and name == phone else phone)
    if not phones:
        raise TextError(f'"{shown}" at character {position + 1}: has no phones')
    return tuple(phones)


class NothingToSay(SpeechError):
    """A text without a word."""
