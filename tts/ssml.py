"""SSML, a strict subset: what is not listed here is refused with its place, never passed over.

Elements and attributes: ``speak`` (version, xml:lang of English, xmlns), ``p``, ``s``, ``break`` (time, strength),
``prosody`` (rate, pitch, volume), ``phoneme`` (alphabet "arpabet", ph), ``say-as`` (interpret-as: characters,
spell-out, digits, cardinal, ordinal), ``sub`` (alias).

References
----------
W3C, Speech Synthesis Markup Language 1.1, 2010, sections 3.1-3.2.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from xml.parsers import expat

from speech.lexicon import Lexicon
from tts.inline import InlineText, find_inline, parse_phones
from tts.script import Break, Change, Script
from tts.ssml_values import SsmlError, check_sum, read_change, read_seconds
from tts.text import TextError
from tts.text.numbers import cardinal, digits, ordinal

#: Attributes of each element.
ALLOWED = {
    "speak": {"version", "xml:lang", "xmlns"},
    "p": set(),
    "s": set(),
    "break": {"time", "strength"},
    "prosody": {"rate", "pitch", "volume"},
    "phoneme": {"alphabet", "ph"},
    "say-as": {"interpret-as"},
    "sub": {"alias"},
}
#: Elements that may hold text alone.
_TEXT_ONLY = ("phoneme", "say-as", "sub", "break")
#: Paragraphs hold sentences, and neither holds its like.
_NOT_WITHIN = {"p": ("p", "s"), "s": ("s",)}
_NAMESPACE = "http://www.w3.org/2001/10/synthesis"
_SENTENCE_BREAK_S = 0.45
_MOST_DIGITS = 21  # of a number that `tts.text.numbers` has a name for; longer ones are said digit by digit
_LETTERS = Lexicon()


def parse_ssml(text: str) -> Script:
    """Read SSML.

    Parameters
    ----------
    text : a document whose root is ``speak``

    Returns
    -------
    Script, to be given to `Voice.say`

    Raises
    ------
    SsmlError
        Not well-formed, or an element, attribute or value that is not among those above; names it with line and column.

    Examples
    --------
    >>> script = parse_ssml('<speak>It is <prosody pitch="+2st">high</prosody>.<break time="300ms"/> Yes.</speak>')
    >>> script.inline.text, script.changes[0].pitch, script.breaks[0].seconds
    ('It is high. Yes.', 2.0, 0.3)
    """
    return _Reader().read(text)


class _Reader:
    """Walks through a document and writes down text, pronunciations, changes and breaks."""

    def __init__(self):
        self.text = ""
        self.spans: list[tuple[int, int, tuple[str, ...]]] = []
        self.changes: list[Change] = []
        self.around: list[Change] = []  # of the prosody elements that are open
        self.breaks: list[Break] = []
        self.sentence_break: Break | None = None  # of the last sentence, while nothing follows it
        self.paragraph_at = 0  # characters in front of the end of the last paragraph
        self.apart = False  # an element ended that parts words
        self.open: list[tuple[str, dict[str, str], int, str]] = []  # name, attributes, start in the text, place
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.ProcessingInstructionHandler = self._refuse_instruction

    def read(self, text: str) -> Script:
        """Parse the whole document."""
        try:
            self.parser.Parse(text, True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code].removeprefix("not well-formed (").removesuffix(")")
            raise SsmlError(
                f"SSML, line {error.lineno}, column {error.offset + 1}: not well-formed ({reason}); "
                "put all of it in <speak>...</speak>, and write & as &amp; and < as &lt;"
            ) from error
        except UnicodeEncodeError as error:
            raise SsmlError(f"SSML, character {error.start + 1}: is half of a surrogate pair, no character") from error
        self._forget_sentence_break()
        return Script(InlineText(self.text, tuple(self.spans)), tuple(self.changes), tuple(self.breaks))

    @property
    def _place(self) -> str:
        return f"SSML, line {self.parser.CurrentLineNumber}, column {self.parser.CurrentColumnNumber + 1}"

    def _refuse_doctype(self, *_) -> None:
        raise SsmlError(f"{self._place}: a document type is not understood; remove <!DOCTYPE ...>")

    def _refuse_instruction(self, target: str, _: str) -> None:
        raise SsmlError(f"{self._place}: the processing instruction <?{target} ...?> is not understood; remove it")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        place = self._place
        if name not in ALLOWED:
            raise SsmlError(f"{place}: element <{name}> is not understood; known: {', '.join(sorted(ALLOWED))}")
        if (name == "speak") != (not self.open):
            raise SsmlError(f"{place}: <speak> must be the outermost element, and only that")
        around = [element for element, *_ in self.open]
        outer = next((element for element in _NOT_WITHIN.get(name, ()) if element in around), None)
        if outer:
            raise SsmlError(f"{place}: <{name}> cannot stand within <{outer}>")
        if self.open and self.open[-1][0] in _TEXT_ONLY:
            raise SsmlError(f"{place}: <{name}> cannot stand within <{self.open[-1][0]}>")
        unknown = sorted(set(attributes) - ALLOWED[name])
        if unknown:
            known = ", ".join(sorted(ALLOWED[name])) or "none"
            raise SsmlError(f"{place}: attribute {unknown[0]} of <{name}> is not understood; known: {known}")
        if name == "speak":
            self._check_speak(attributes, place)
        if name in ("p", "s"):
            self._end_sentence(paragraph=name == "p")
        elif name == "break":
            self._forget_sentence_break()
            self._part_words()
            self.breaks.append(Break(len(self.text), read_seconds(attributes, place)))
        elif name in _TEXT_ONLY:
            self._part_words()
        elif name == "prosody":
            self.around.append(read_change(attributes, len(self.text), place))
            check_sum(self.around, place)
        self.open.append((name, attributes, len(self.text), place))

    def _check_speak(self, attributes: dict[str, str], place: str) -> None:
        """The language is English, the version one that there is, the namespace SSML's."""
        language, version = attributes.get("xml:lang", "en"), attributes.get("version", "1.0")
        if language.lower().split("-")[0] != "en":
            raise SsmlError(f'{place}: xml:lang="{language}" is not understood; the voice speaks English')
        if version not in ("1.0", "1.1"):
            raise SsmlError(f'{place}: version="{version}" is not understood; there are 1.0 and 1.1')
        if attributes.get("xmlns", _NAMESPACE) != _NAMESPACE:
            raise SsmlError(f'{place}: xmlns="{attributes["xmlns"]}" is not understood; SSML is {_NAMESPACE}')

    def _end(self, name: str) -> None:
        """An element ends."""
        _, attributes, start, place = self.open.pop()
        end = len(self.text)
        match name:
            case "p" | "s":
                self._end_sentence(paragraph=name == "p")
            case "prosody":
                self.changes.append(replace(self.around.pop(), end=end))
            case "phoneme" | "say-as" | "sub":
                self._replace(name, attributes, start, place)
                self.apart = True
            case "break":
                if end > start:
                    raise SsmlError(f"{place}: <break> must be empty")
                self.apart = True

    def _end_sentence(self, *, paragraph: bool) -> None:
        """A sentence or paragraph ends here."""
        spoken = len(self.text.rstrip())
        if not spoken:
            return
        if paragraph:
            self._forget_sentence_break()
            self.paragraph_at = spoken
        elif self.paragraph_at != spoken and not any(one.position >= spoken for one in self.breaks):
            self.sentence_break = Break(spoken, _SENTENCE_BREAK_S)
            self.breaks.append(self.sentence_break)
        self.text += "\n\n"

    def _forget_sentence_break(self) -> None:
        """The pause after the last sentence gives way to one that is asked for, to a paragraph's, or to the end."""
        if self.sentence_break is not None and self.sentence_break.position >= len(self.text.rstrip()):
            self.breaks.remove(self.sentence_break)
        self.sentence_break = None

    def _part_words(self) -> None:
        """An element begins that does not go on with the word before it."""
        if self.text[-1:].isalnum():
            self.text += " "

    def _replace(self, name: str, attributes: dict[str, str], start: int, place: str) -> None:
        """Put what is to be said in place of what is written."""
        written = self.text[start:].strip()
        if not written:
            raise SsmlError(f"{place}: <{name}> has no text")
        match name:
            case "phoneme":
                alphabet, phones = attributes.get("alphabet", "arpabet"), _needed(attributes, "ph", name, place)
                if alphabet not in ("arpabet", "x-arpabet", "x-cmu-arpabet"):
                    raise SsmlError(f'{place}: alphabet="{alphabet}" of <phoneme> is not understood; use "arpabet"')
                try:
                    found = parse_phones(phones, phones, 0)
                except TextError as error:
                    raise SsmlError(f"{place}: ph of <phoneme>: {error}") from error
                self.spans.append((start, start + len(written), found))
                self.text = self.text[:start] + written
            case "sub":
                self.text = self.text[:start] + _needed(attributes, "alias", name, place)
            case "say-as":
                self._say_as(_needed(attributes, "interpret-as", name, place), written, start, place)

    def _say_as(self, kind: str, written: str, start: int, place: str) -> None:
        """Letters by their names, digits one by one, numbers in words."""
        if kind in ("characters", "spell-out"):
            self.text = self.text[:start]
            if not any(character.isalnum() for character in written):
                raise SsmlError(f'{place}: "{written}" has no letter and no digit to spell')
            for character in written:
                self._spell(character, place)
            return
        if kind not in _NUMBERS:
            known = ", ".join(("characters", "spell-out", *_NUMBERS))
            raise SsmlError(f'{place}: interpret-as="{kind}" of <say-as> is not understood; known: {known}')
        number = re.sub(r"[\s,]", "", written)
        if not (number.isascii() and number.isdecimal()):
            raise SsmlError(f'{place}: "{written}" is no whole number, which interpret-as="{kind}" needs')
        if kind != "digits":
            number = number.lstrip("0") or "0"
        if kind == "ordinal" and len(number) > _MOST_DIGITS:
            raise SsmlError(f'{place}: an ordinal of {len(number)} digits has no name; use interpret-as="digits"')
        self.text = self.text[:start] + _NUMBERS[kind](number)

    def _spell(self, character: str, place: str) -> None:
        """One character by its name."""
        if character.isascii() and character.isalpha():
            begin = len(self.text)
            self.text += character.upper()
            self.spans.append((begin, begin + 1, tuple(_LETTERS.letter_name(character.upper()))))
            self.text += " "
        elif character.isascii() and character.isdigit():
            self.text += digits(character) + " "
        elif not character.isspace() and character not in "-.":
            raise SsmlError(f'{place}: "{character}" cannot be spelt; letters and digits can')

    def _characters(self, data: str) -> None:
        """Text between tags."""
        if self.open and self.open[-1][0] == "break" and data.strip():
            raise SsmlError(f"{self._place}: <break> must be empty")
        given = find_inline(data)
        if given:
            raise SsmlError(f'{self._place}: {given} is not understood in SSML; write <phoneme ph="...">word</phoneme>')
        # Line ends of the document are no paragraphs.
        data = re.sub(r"\s+", " ", data)
        if not self.text or self.text[-1].isspace():
            data = data.lstrip()
        elif self.apart and self.text[-1].isalnum() and data[:1].isalnum():
            data = " " + data
        self.apart = self.apart and not data
        self.text += data


_NUMBERS: dict[str, Callable[[str], str]] = {
    "digits": digits,
    "cardinal": lambda number: cardinal(int(number)) if len(number) <= _MOST_DIGITS else digits(number),
    "ordinal": lambda number: ordinal(int(number)),
}


def _needed(attributes: dict[str, str], key: str, name: str, place: str) -> str:
    value = attributes.get(key, "").strip()
    if not value:
        raise SsmlError(f"{place}: <{name}> needs the attribute {key}")
    return value
