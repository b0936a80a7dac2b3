"""Pronunciations given in a text: ``{tomato|T AH0 M AA1 T OW2}`` is what is written, a bar, and ARPAbet phones.

What stands beside such a word is read as ever: its "'s", "VIII" after {Henry|...}, "5" before {lb|...}. So tokens that
come from the written word are told from those that come from its neighbours; where a rule makes one thing of both, the
sentence is read again with a stand-in that no rule knows.
"""

import contextlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from speech.lexicon import with_clitic
from speech.units import ARPABET, VOWELS
from tts.text import Sentence, TextError, Token, check, normalize, sentences
from tts.text.normalize import OnUnknown

Span = tuple[int, int, tuple[str, ...]]
_INLINE = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")
#: Phones alone between braces, a vowel with its stress among them.
_WORDLESS = re.compile(
    rf"\{{\s*(?:[A-Z]{{1,2}}[0-2]?\s+)*(?:{'|'.join(sorted(VOWELS))})[0-2](?:\s+[A-Z]{{1,2}}[0-2]?)*\s*\}}"
)
#: A brace and a bar in a line that are no such whole: one meant a pronunciation.
_BROKEN = re.compile(r"\{[^{}\n]*\|[^{}\n]*\}?|\|[^{}|\n]*\}")


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

    @property
    def readable(self) -> str:
        """The text with stand-ins for what is written in other letters, which the pronunciations make readable."""
        strange = [span for span in self.spans if not self.text[span[0] : span[1]].isascii()]
        return _with_stand_ins(self.text, strange, 0) if strange else self.text


@dataclass(frozen=True, slots=True)
class Given:
    """A word whose phones the text gives.

    Attributes
    ----------
    text : as it would be read, or as it is written
    phones : ARPAbet with stress
    start, end : characters of the text
    """

    text: str
    phones: tuple[str, ...]
    start: int
    end: int


def place_given(inline: InlineText, sentence: Sentence, on_unknown: OnUnknown = "error") -> Sequence[Token | Given]:
    """Tokens of a sentence, those of words with a given pronunciation replaced by it.

    Raises
    ------
    TextError
        A rule makes one thing of such a word and what stands beside it; names both.
    """
    spans = [span for span in inline.spans if span[0] < sentence.end and span[1] > sentence.start]
    if not spans:
        return sentence.tokens
    found, swallowed = _placed(inline.text, sentence.tokens, spans)
    if swallowed:
        text = _with_stand_ins(inline.text[sentence.start : sentence.end], swallowed, sentence.start)
        tokens = [
            Token(token.text, token.kind, token.start + sentence.start, token.end + sentence.start)
            for token in normalize(text, on_unknown)
        ]
        found, still = _placed(inline.text, tokens, spans)
        if still:
            raise TextError(
                f'"{inline.text[still[0][0] : still[0][1]]}" at character {still[0][0] + 1}, which has a pronunciation '
                "of its own, is read as one with what stands beside it; put a space between them or write both in words"
            )
    return found


def check_inline(inline: InlineText, on_unknown: OnUnknown = "error") -> None:
    """Refuse what could not be said somewhere in a text, before any of it is.

    Raises
    ------
    TextError
        A character cannot be spoken, or a word with a pronunciation is read as one with what stands beside it.
    """
    if not inline.spans:
        check(inline.text, on_unknown)
        return
    for sentence in sentences(inline.readable, on_unknown):
        place_given(inline, sentence, on_unknown)


def _placed(text: str, tokens: Iterable[Token], spans: Sequence[Span]) -> tuple[list[Token | Given], list[Span]]:
    """Tokens and given words in order, and the spans whose words a rule joined with others."""
    found: list[Token | Given] = []
    swallowed: list[Span] = []
    placed: set[Span] = set()
    for (start, end), members in itertools.groupby(tokens, lambda token: (token.start, token.end)):
        group: list[Token | Given] = list(members)
        for span in (span for span in spans if span[0] < end and span[1] > start):
            if span[0] <= start and end <= span[1]:
                said = Given(_read(text, span), span[2], span[0], span[1])
                group = [] if span in placed else [said]
            else:
                parted = _parted(text, group, span)
                if parted is None:
                    swallowed.append(span)
                    continue
                group = parted
            placed.add(span)
        found += group
    return found, swallowed


def _parted(text: str, group: Sequence[Token | Given], span: Span) -> list[Token | Given] | None:
    """A rule's tokens with those of a given word replaced; None if they are not among them."""
    written, length = text[span[0] : span[1]], span[1] - span[0]
    stand_in = _stand_in(written).lower()
    for own in ([stand_in], _words(written)):
        for at in range(len(group) - len(own) + 1):
            here = group[at : at + len(own)]
            if not own or any(isinstance(one, Given) for one in here):
                continue
            first, last = " ".join(one.text for one in here[:-1]), here[-1].text
            clitic = last.removeprefix(own[-1])
            phones = with_clitic(span[2], clitic) if clitic != last or not own[-1] else None
            if first != " ".join(own[:-1]) or phones is None or (clitic and not clitic.startswith("'")):
                continue
            name = written.lower() if own == [stand_in] else " ".join(own)
            end = here[-1].end if clitic and here[-1].end == span[0] + length + len(clitic) else span[1]
            return [*group[:at], Given(name + clitic, phones, span[0], end), *group[at + len(own) :]]
    return None


def _read(text: str, span: Span) -> str:
    """A given word as it would be read, or else as it is written."""
    written = text[span[0] : span[1]]
    return " ".join(_words(written)) or written.lower()


def _words(written: str) -> list[str]:
    """Words that would be read, none of what cannot be."""
    return [token.text for token in normalize(written, "skip") if token.kind != "break"]


def _with_stand_ins(text: str, spans: Sequence[Span], offset: int) -> str:
    """A text that begins at `offset` with stand-ins in place of some words, no longer and no shorter."""
    for start, end, _ in spans:
        first, last = max(0, start - offset), end - offset
        text = text[:first] + _stand_in(text[first:last]) + text[last:]
    return text


def _stand_in(written: str) -> str:
    """A word of the same length that no rule knows, with a capital where there is one.

    >>> _stand_in("Henry"), _stand_in("lb"), _stand_in("5")
    ('Zozoz', 'zo', 'a')
    """
    if len(written) == 1:
        return "a"
    made = ("zo" * len(written))[: len(written)]
    return made.capitalize() if written[0].isupper() else made


def parse_inline(text: str) -> InlineText:
    """Take ``{written|PHONES}`` out of a text; braces without a bar are punctuation, as parentheses are.

    Raises
    ------
    TextError
        No written word or no known phones between the braces, or a brace or bar is missing; names it and its place.

    Examples
    --------
    >>> parse_inline("say {tomato|T AH0 M AA1 T OW2}").spans
    ((4, 10, ('T', 'AH0', 'M', 'AA1', 'T', 'OW2')),)
    """
    plain: list[str] = []
    spans: list[Span] = []
    position, length = 0, 0
    for match in _INLINE.finditer(text):
        before = text[position : match.start()]
        _refuse_broken(before, position)
        if (before or "".join(plain))[-1:].isalnum():  # a word of its own
            before += " "
        plain.append(before)
        length += len(before)
        written = match[1].strip()
        if not any(c.isalnum() for c in written):
            raise TextError(f'"{match[0]}" at character {match.start() + 1}: write {{word|PHONES}}, with a word')
        spans.append((length, length + len(written), parse_phones(match[2], match[0], match.start())))
        rest = text[match.end() : match.end() + 2]
        after = "'" if re.match(r"s\b", rest) else " " if rest[:1].isalnum() else ""
        plain.append(written + after)
        length += len(written + after)
        position = match.end()
    _refuse_broken(text[position:], position)
    return InlineText("".join([*plain, text[position:]]), tuple(spans))


def _refuse_broken(text: str, offset: int) -> None:
    """See that a stretch without pronunciations, which begins at `offset`, holds no half of one."""
    wordless = _WORDLESS.search(text)
    if wordless:
        raise TextError(
            f'"{wordless[0]}" at character {offset + wordless.start() + 1}: has phones but no word; a pronunciation is '
            "written {word|PHONES}"
        )
    found = _BROKEN.search(text)
    if found:
        raise TextError(
            f'"{found[0].strip()}" at character {offset + found.start() + 1}: a brace and a bar give a pronunciation, '
            "which is written {word|PHONES}; write it so, or take the bar away"
        )


def find_inline(text: str) -> str | None:
    """The first of a text's pronunciations, as it is written."""
    for match in _INLINE.finditer(text):
        with contextlib.suppress(TextError):
            parse_phones(match[2], match[0], 0)
            return match[0]
    return None


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
