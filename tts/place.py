"""A word in its sentence: whether the words around it tell a verb or a noun."""

from collections.abc import Sequence

AUXILIARIES = frozenset(
    "to will would can could should shall may might must cannot do does did don't didn't doesn't won't can't couldn't "
    "wouldn't shouldn't mustn't let let's please help helps helped gonna".split()
)
SUBJECTS = frozenset("i you we they who".split())
SINGULARS = frozenset("he she it who which everyone everybody nobody someone".split())
BE = frozenset("is are was were be been being am isn't aren't wasn't weren't i'm it's he's she's".split())
BE |= frozenset("you're we're they're that's there's".split())
HAVE = frozenset("have has had having haven't hasn't hadn't i've you've we've they've".split())
DETERMINERS = frozenset(
    "a an the this these those my your his its our their whose any no every each another either neither".split()
)
#: Before a noun, or for one: many records, many record it.
_QUANTIFIERS = frozenset(
    "some all both such many few several more most much less other one two three four five six seven eight nine "
    "ten".split()
)
PREPOSITIONS = frozenset(
    "of in on at for with from by into about between under over against without during on through after before "
    "since".split()
)
OBJECTS = frozenset("the a an my your his her its our their it them him me us this that these those".split())
#: Of what stands before a noun: possessors and adjectives.
_ENDS = ("'s", "s'", "al", "ous", "ful", "ive", "ic", "less", "able", "ible", "ary", "ilar")
_ADJECTIVES = frozenset("fresh new old good bad big small raw own".split())
_ADVERBS = frozenset("not also never always just only now then still often ever even soon again".split())
#: Adjectives that may stand behind what they describe.
_STATES = frozenset("present subject perfect separate content".split())
_PLURALS = frozenset("people men women children".split())
#: Verbs that need no object.
_INTRANSITIVE = frozenset(
    "increase decrease contract contrast conflict object protest progress rebel desert defect permit transfer convert "
    "combine compress separate graduate alternate degenerate deliberate coordinate associate moderate".split()
)
_GOING_ON = frozenset("in with when if as because and or during over by at until every".split())
_BEFORE_PLURALS = frozenset(
    "and but the these those my your his her its our their no some all both such many few several most more other two "
    "three four five six seven eight nine ten".split()
)
_CONJUNCTIONS = frozenset("if when as because while that until where whenever".split())
#: Words with an s that are no plural, or nouns that stand before others: a sales contract, a sports graduate.
_BEFORE_NOUNS = frozenset(
    "perhaps always sometimes besides towards unless whereas yes series means sales sports rights services customs "
    "systems news savings games parks arts benefits olympics humanities goods operations communications physics "
    "economics politics mathematics".split()
)


class Place:
    """A word in its sentence.

    Parameters
    ----------
    texts : tokens of the sentence in lower case, marks too
    index : of the word
    written : as it stands in the text
    """

    def __init__(self, texts: Sequence[str], index: int, written: str):
        self.texts = texts
        self.index = index
        self.written = written

    @property
    def next(self) -> str:
        """The token after the word, or "" at the end."""
        return self.texts[self.index + 1] if self.index + 1 < len(self.texts) else ""

    def back(self, count: int = 1) -> str:
        """The `count`-th token before the word, adverbs passed over, or "" before the beginning."""
        found = [text for text in self.texts[max(0, self.index - 6) : self.index] if not _is_adverb(text)]
        return found[-count] if count <= len(found) else ""

    @property
    def opens(self) -> bool:
        """Whether nothing of its clause stands before the word."""
        return not self.back()[:1].isalpha()

    def near(self, *words: str) -> bool:
        """Whether one of `words` is in the sentence."""
        return not set(words).isdisjoint(self.texts)

    @property
    def is_verb(self) -> bool | None:
        """Whether the word is a verb rather than a noun or an adjective; None where nothing tells."""
        before, word = self.back(), self.texts[self.index]
        is_third = word.endswith("s") and not word.endswith("ss")
        if before in AUXILIARIES or before.endswith("'ll"):
            return not is_third  # according to records
        subjects = SINGULARS if is_third else SUBJECTS
        if before in subjects:
            return True
        # to write and record it, they both record it
        if before in ("and", "or") and self.back(3) in AUXILIARIES | subjects:
            return True
        if before in ("both", "all", "each") and self.back(2) in AUXILIARIES | subjects:
            return True
        if before in ("these", "those") and not is_third and self.next in OBJECTS | PREPOSITIONS | {"to"}:
            # these conflict with those, they present a case; but those present in the room, those subject to tax
            return word not in _STATES or self.next in OBJECTS or (self.next == "to" and word != "subject")
        if before in _QUANTIFIERS:
            return False if is_third or self.back(2) in PREPOSITIONS else None
        if before in DETERMINERS | PREPOSITIONS | BE | HAVE | _ADJECTIVES or before.endswith(_ENDS):
            return False
        if self.next in OBJECTS and before != "and" and (is_third or self.opens or not self._described()):
            return True
        if word in _INTRANSITIVE and self._ends_sense() and self._follows_subject():
            return True
        return False if self._described() and not is_third else None

    def _ends_sense(self) -> bool:
        """Whether no noun follows that the word could belong to: prices increase, and increase in winter."""
        return not self.next[:1].isalpha() or _is_adverb(self.next) or self.next in _GOING_ON

    def _follows_subject(self) -> bool:
        """Whether nothing but a noun in the plural stands before the word in its clause: all the workers protest."""
        start = self.index
        while start and self.texts[start - 1][:1].isalpha() and self.texts[start - 1] not in _CONJUNCTIONS:
            start -= 1
        *before, noun = [text for text in self.texts[start : self.index] if not _is_adverb(text)] or [""]
        is_plural = noun in _PLURALS or noun.endswith("s") and not noun.endswith(("ss", "us", "is", "'s", "s'"))
        is_third = not before and start and self.texts[start - 1] == "that"  # that needs contrast
        return is_plural and noun not in _BEFORE_NOUNS and set(before) <= _BEFORE_PLURALS and not is_third

    def _described(self) -> bool:
        """Whether a determiner opens what the word ends: a new world record."""
        opened = {self.back(2), self.back(3)} & DETERMINERS
        return bool(opened) and not self.back().endswith("s") and self.back() not in _PLURALS


def _is_adverb(text: str) -> bool:
    return text in _ADVERBS or len(text) > 4 and text.endswith("ly") and text != "family"
