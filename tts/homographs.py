"""Words that are written alike and said differently (a record, to record), told apart by the words around them.

The rules look at few words: what stands before a noun (a determiner, a preposition) and before a verb (a pronoun, an
auxiliary; see `tts.place`), and for some words at what they are usually beside. Where nothing tells, the more frequent
one is said.
"""

from collections.abc import Callable, Sequence

from tts.place import AUXILIARIES, BE, DETERMINERS, HAVE, OBJECTS, PREPOSITIONS, SINGULARS, SUBJECTS, Place

Phones = tuple[str, ...]


def choose(place: Place, pronunciations: Sequence[Phones]) -> Phones | None:
    """The pronunciation that suits a word's place, None where the word is no homograph.

    Examples
    --------
    >>> variants = [("R", "AH0", "K", "AO1", "R", "D"), ("R", "EH1", "K", "ER0", "D")]
    >>> [choose(Place(text.split(), 1, "record"), variants)[1] for text in ("a record", "to record")]
    ['EH1', 'AH0']
    """
    word = place.texts[place.index]
    accented = _ACCENTED.get(place.written.lower())
    if accented:
        return tuple(accented.split())
    if word in _SINGLE:
        return tuple(_SINGLE[word](place).split())
    base = next((base for base in (word, word.removesuffix("s")) if base in _PAIRS), word.removesuffix("es"))
    if base not in _PAIRS:
        return None
    is_verb_form, verb_by_default = _PAIRS[base]
    is_verb = place.is_verb
    wanted = verb_by_default if is_verb is None else is_verb
    return next((phones for phones in pronunciations if is_verb_form(phones) == wanted), None)


def _late_stress(phones: Phones) -> bool:
    """Whether another syllable than the first has the main stress: to record."""
    vowels = [phone for phone in phones if phone[-1].isdigit()]
    return bool(vowels) and vowels[0][-1] != "1"


def _full_ending(phones: Phones) -> bool:
    """Whether -ate is said in full: to estimate."""
    return any(phone.startswith("EY") for phone in phones[-3:])


def _voiced_ending(phones: Phones) -> bool:
    """Whether the last consonant is voiced: to use."""
    return "Z" in phones[-3:] and "S" not in phones[-3:]


_PAIRS: dict[str, tuple[Callable[[Phones], bool], bool]] = {}
for _verb_form, _verb_by_default, _words in (
    (
        _late_stress,
        False,
        "addict address annex attribute combat compound conduct conflict console content contest contract "
        "contrast convict defect desert digest discount escort export impact import incline increase decrease "
        "insult object perfect permit present progress project protest rebel recall record refund reject segment "
        "subject survey suspect torment transfer transport",
    ),
    (_late_stress, True, "combine compress construct convert extract insert produce"),
    (
        _full_ending,
        False,
        "advocate affiliate aggregate alternate animate appropriate approximate articulate associate certificate "
        "coordinate degenerate delegate deliberate duplicate elaborate estimate graduate intimate laminate moderate "
        "predicate separate subordinate",
    ),
    (_voiced_ending, True, "use"),  # of uses; use itself is below
    (_voiced_ending, False, "abuse excuse"),
):
    _PAIRS |= dict.fromkeys(_words.split(), (_verb_form, _verb_by_default))


_EVER = ("every", "always", "usually", "often", "sometimes", "daily", "never", "tomorrow", "now", "today")
_PAST = ("yesterday", "ago", "last", "once", "earlier", "was", "were", "had", "said", "went", "saw", "thought", "knew")
_TALKED_OF = frozenset("that about it the your his her this an a somewhere".split())
_MADE = frozenset("did does do can could will would should may might must let make made see saw hear heard".split())


def _read(place: Place) -> str:
    present, past = "R IY1 D", "R EH1 D"
    before = place.back()
    if before in AUXILIARIES:
        return present
    if place.back(2) in HAVE and before in SUBJECTS | SINGULARS:  # have you read it
        return past
    if before in BE | HAVE | {"got", "gets", "well", "-"} or place.next == "by":
        return past
    if place.opens or before in DETERMINERS | PREPOSITIONS or place.back(2) in ("a", "an"):
        return present
    if place.back(2) in _MADE or place.near(*_EVER) or place.texts[place.index + 1 :][:2] == ["a", "lot"]:
        return present
    if before == "and" and any(text.endswith("ed") for text in place.texts[: place.index]):
        return past
    if before in SINGULARS or place.near(*_PAST):
        return past
    if before in ("you", "they", "who", "and"):
        return present
    return past if place.next in _TALKED_OF else present


_OF_METAL = frozenset(
    "pipe pipes paint paints poisoning free acid based mine mines ore shot bullet bullets crystal glass levels "
    "exposure weight weights battery batteries apron".split()
)


def _lead(place: Place) -> str:
    metal = place.next in _OF_METAL or place.next == "-" and place.texts[place.index + 2 :][:1] == ["free"]
    weighed = place.back() == "molten" or place.near("zinc", "tin", "copper", "mercury", "arsenic", "cadmium")
    of = place.back() == "of" and place.back(2) in ("levels", "made", "full", "traces", "amounts", "pounds", "ounces")
    return "L EH1 D" if (metal or weighed or of) and not place.is_verb else "L IY1 D"


_ON_STAGE = frozenset(
    "music show shows concert concerts broadcast broadcasts stream streams streaming event events performance "
    "performances audience audiences coverage tv television album albums band bands ammunition wire wires demo chat "
    "feed video videos cast recording recordings animal animals bait birth births data updates update session "
    "sessions version theater entertainment report reports".split()
)
_ON_AIR = frozenset(
    "go goes going went broadcast streamed streaming performed perform performing recorded aired".split()
)


def _live(place: Place) -> str:
    before = place.back()
    on_stage = (
        before in _ON_AIR | BE | DETERMINERS - {"these", "those"} or place.next in _ON_STAGE and not place.is_verb
    )
    return "L AY1 V" if on_stage or place.opens and place.next in ("from", "at") else "L IH1 V"


_WHERE = frozenset("in at on with alone here there near next by under above among for across together forever".split())


def _lives(place: Place) -> str:
    before = place.back()
    owned = before in DETERMINERS | PREPOSITIONS or before.endswith(("'s", "s'")) or before in (
        "her", "save", "saves", "saved", "saving", "lose", "lost", "people's", "human", "new", "changed", "real",
    )  # fmt: skip
    return "L IH1 V Z" if not owned and (before in SINGULARS or place.next in _WHERE) else "L AY1 V Z"


_THERE = PREPOSITIONS | BE | HAVE | frozenset("here there ahead and or high to".split())


def _wind(place: Place) -> str:
    follows = [text for text in place.texts[place.index + 1 :][:2] if text != "-"]
    driven = follows[:1] == ["up"] and len(follows) > 1 and follows[1].isalpha() and follows[1] not in OBJECTS | _THERE
    wind_up = place.next == "-" and follows[:1] == ["up"] or place.back() in ("a", "an") and driven
    turned = (
        place.is_verb or wind_up or place.is_verb is None and follows[:1] in (["up"], ["down"], ["through"], ["around"])
    )
    return "W AY1 N D" if turned else "W IH1 N D"


def _tear(place: Place) -> str:
    cloth = place.next in ("up", "apart", "off", "it") or place.next == "in" and not place.near("eye", "eyes")
    torn = place.is_verb or cloth or place.texts[: place.index][-2:] == ["wear", "and"]
    return "T EH1 R" if torn else "T IH1 R"


def _bow(place: Place) -> str:
    greeting = place.back(2) in ("take", "took", "takes", "taking") or place.next in ("down", "before", "out")
    bent = place.is_verb or greeting or place.next == "to" and place.is_verb is not False
    at_sea = place.near("ship", "boat", "stern", "deck", "vessel", "canoe", "sailors", "anchor")
    return "B AW1" if (bent or at_sea) and not place.near("arrow", "arrows") else "B OW1"


_PLAYED = frozenset("the play plays played playing his her my guitar and on".split())
_OF_MUSIC = frozenset(
    "guitar player players drum drums line lines clef solo note notes part section music band".split()
)


def _bass(place: Place) -> str:
    is_fish = place.next in ("fishing", "boat", "fisherman") or place.back() in (
        "sea", "largemouth", "smallmouth", "striped", "black",
    )  # fmt: skip
    is_caught = not {"caught", "hooked", "fish"}.isdisjoint(place.texts[max(0, place.index - 4) : place.index])
    is_played = place.back() in _PLAYED or place.near(*_OF_MUSIC)
    return "B AE1 S" if is_fish or is_caught and not is_played else "B EY1 S"


_OLD = frozenset("man woman mother father parents couple people person lady gentleman aunt uncle relative poor".split())


def _aged(place: Place) -> str:
    """Old, before a person or as people are called; else of the age of, or grown old."""
    is_old = place.next in _OLD or place.back() == "the" and not place.next[:1].isalpha()
    return "EY1 JH IH0 D" if is_old else "EY1 JH D"


def _sow(place: Place) -> str:
    """The animal after what stands before a noun; else seeds are sown."""
    return "S AW1" if place.is_verb is False else "S OW1"


def _dove(place: Place) -> str:
    dived = place.back() in ("he", "she", "i", "we", "they", "it", "who") or place.next in (
        "into", "in", "off", "under", "down", "straight", "headfirst",
    )  # fmt: skip
    return "D OW1 V" if dived and place.is_verb is not False else "D AH1 V"


def _wound(place: Place) -> str:
    turned = place.next in OBJECTS or place.next in ("up", "around", "down", "through", "back", "tightly")
    return "W AW1 N D" if turned and place.back() not in DETERMINERS else "W UW1 N D"


def _polish(place: Place) -> str:
    shines = place.opens and (place.next in OBJECTS or place.next in ("up", "off", ""))
    shines = shines or place.back() in ("nail", "shoe", "furniture", "boot", "floor")
    return "P OW1 L IH0 SH" if place.written[:1].isupper() and not shines else "P AA1 L IH0 SH"


def _minute(place: Place) -> str:
    tiny = place.next in (
        "amount", "amounts", "quantities", "quantity", "detail", "details", "particle", "particles", "trace", "traces",
        "difference", "differences", "fraction", "changes",
    )  # fmt: skip
    timed = place.back() in ("every", "last", "each", "this", "one", "per", "final")
    return "M AY0 N UW1 T" if tiny and not timed else "M IH1 N AH0 T"


def _refuse(place: Place) -> str:
    rubbish = place.is_verb is False or place.next in ("collection", "bin", "bins", "disposal", "collectors")
    return "R EH1 F Y UW2 Z" if rubbish and place.next != "to" else "R IH0 F Y UW1 Z"


_PEOPLE = frozenset("i you he she we they who people".split())
_RELATIVES = frozenset(
    "father mother dad mom children kids boys girls man woman men women parents grandmother grandfather friend friends "
    "brother sister uncle aunt dog cat everyone".split()
)
_POSSESSIVES = frozenset("my your his her our their".split())
_ACCUSTOMED = frozenset(
    "get gets got getting become became becoming didn't it there i'm he's she's you're we're they're".split()
)
_USEFUL = frozenset("make makes made making good full better best drug land water energy internet phone fuel".split())
_DONE_BEFORE = frozenset("be have live work play go think say love like know do believe come take call hate".split())


def _used(place: Place) -> str:
    formerly, employed = "Y UW1 S T", "Y UW1 Z D"
    before, after = place.back(), place.texts[place.index + 2] if place.index + 2 < len(place.texts) else ""
    if place.next != "to":
        return employed
    if before in _ACCUSTOMED or before in _PEOPLE | _RELATIVES or place.back(2) in _POSSESSIVES:
        return formerly
    if before in BE:
        familiar = after.endswith("ing") or after in OBJECTS | DETERMINERS or not after.isalpha()
        return formerly if familiar or place.back(2) in _PEOPLE - {"they", "people"} else employed
    named = place.back(2)[:1].isalpha() is False and not before.endswith("s")  # Mary used to sing
    return formerly if named or after in _DONE_BEFORE else employed


def _use(place: Place) -> str:
    before = place.back()
    if place.next == "to" and (before == "didn't" or before in _PEOPLE and place.back(2) in ("did", "didn't")):
        return "Y UW1 S"
    noun = place.next == "of" or before in _USEFUL or place.next in BE | {"rose", "fell"}
    is_verb = not noun if place.is_verb is None else place.is_verb and not noun
    return "Y UW1 Z" if is_verb else "Y UW1 S"


def _house(place: Place) -> str:
    before = place.back()
    given = place.next in OBJECTS | DETERMINERS or before != "to" and place.next.endswith("s")  # to house parties
    return "HH AW1 Z" if before in AUXILIARIES and given else "HH AW1 S"


_NEARNESS = frozenset(
    "to by beside enough friend friends call calls together range relationship relationships contact attention look "
    "race game behind up ally allies ties tie quarters family relative relatives".split()
)

_COMING = frozenset("very too so as how get gets got come came stay stayed keep kept pretty quite".split())


def _close(place: Place) -> str:
    near, shut = "K L OW1 S", "K L OW1 Z"
    before = place.back()
    if before in AUXILIARIES and place.next != "to" or before.endswith("'ll") or before in SUBJECTS:
        return shut
    if before in DETERMINERS and (place.next == "of" or place.back(2) == "to"):  # the close of day, came to a close
        return shut
    held = before in ("him", "her", "them", "me", "us", "it") and place.next not in OBJECTS
    described = before in DETERMINERS | BE | HAVE | PREPOSITIONS | _COMING or held
    return near if described or place.next in _NEARNESS else shut


def _content(place: Place) -> str:
    feels = place.back() in BE | {"feel", "feels", "felt", "seem", "seems", "seemed", "quite"}
    ends = not place.next[:1].isalpha() and (place.back(2) in _PEOPLE or "'" in place.back())
    return "K AH0 N T EH1 N T" if feels and (place.next in ("with", "to") or ends) else "K AA1 N T EH0 N T"


def _invalid(place: Place) -> str:
    """A sick person after an article, where no noun follows; else what is not valid."""
    ends = not place.next[:1].isalpha() or place.next in BE | HAVE | PREPOSITIONS | {
        "and",
        "who",
        "lay",
        "because",
        "when",
    }
    is_person = place.back() in DETERMINERS and ends
    return "IH1 N V AH0 L AH0 D" if is_person else "IH0 N V AE1 L AH0 D"


def _resume(place: Place) -> str:
    is_document = place.back() in ("a", "my", "your", "his", "her", "their", "the", "our", "updated")
    return "R EH1 Z AH0 M EY2" if is_document else "R IH0 Z UW1 M"


def _nice(place: Place) -> str:
    """The city, in Nice; else what is pleasant."""
    is_city = place.written == "Nice" and place.back() in ("in", "to", "from", "near", "around")
    return "N IY1 S" if is_city and (not place.next[:1].isalpha() or place.next in PREPOSITIONS) else "N AY1 S"


_SINGLE: dict[str, Callable[[Place], str]] = {
    "read": _read,
    "lead": _lead,
    "live": _live,
    "lives": _lives,
    "wind": _wind,
    "winds": lambda place: _wind(place) + " Z",
    "tear": _tear,
    "tears": lambda place: _tear(place) + " Z",
    "bow": _bow,
    "bows": lambda place: _bow(place) + " Z",
    "aged": _aged,
    "des": lambda place: "D AH0" if place.next in ("moines", "plaines") else "D EH1 S",
    "lima": lambda place: "L AY1 M AH0" if place.next in ("bean", "beans") else "L IY1 M AH0",
    "nice": _nice,
    "bass": _bass,
    "sow": _sow,
    "sows": lambda place: _sow(place) + " Z",
    "dove": _dove,
    "wound": _wound,
    "polish": _polish,
    "minute": _minute,
    "refuse": _refuse,
    "use": _use,
    "house": _house,
    "used": _used,
    "upset": lambda place: "AH1 P S EH2 T" if place.back() in ("a", "an", "the", "major", "big") else "AH0 P S EH1 T",
    "close": _close,
    "content": _content,
    "invalid": _invalid,
    "resume": _resume,
    "resumes": lambda place: _resume(place) + " Z",
}
#: Words that only an accent tells from others.
_ACCENTED = {
    "résumé": "R EH1 Z AH0 M EY2", "resumé": "R EH1 Z AH0 M EY2", "résumés": "R EH1 Z AH0 M EY2 Z",
    "rosé": "R OW0 Z EY1", "exposé": "EH2 K S P OW0 Z EY1", "pâté": "P AA0 T EY1", "lamé": "L AA0 M EY1",
    "maté": "M AA1 T EY0",
}  # fmt: skip
