"""Rules for numbers that name something: telephones, post codes, versions, rooms, flights, models, houses.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.numbers import cardinal, digits, pairs, plain, plural
from tts.text.spelling import acronym, spell
from tts.text.tables import STATES, STREETS
from tts.text.tokens import Rule

_AFTER_STATE = "|".join(rf"(?<=\b{state} )" for state in STATES)
#: Words before a number that is told digit by digit.
_CODED = re.compile(
    r"(?i)\b(?:(?:pass)?code|pin|otp|cvv|cvc|account|acct\.?|id|confirmation|tracking|ticket|"
    r"(?:order|reference|serial|case|invoice|phone|policy) (?:number|no\.)|text \w+ to)"
    r"(?: (?:number|code|no\.|is|was))*[#:\s]*$"
)
_SHORT_CODED = re.compile(r"(?i)\b(?:cvv2?|cvc2?|csc|security code|area code)(?: (?:number|code|is|was|of))*[#:\s]*$")
_CALLED = re.compile(r"(?i)\b(?:call(?:s|ed|ing)?|dial(?:s|ed|ing)?|emergency)\b")
#: The rest of a street's name after the direction in it: W. Main St.
STREET_FOLLOWS = rf"(?=\.?\s(?:[A-Z\d][\w'’]*\.?\s){{1,4}}(?:{'|'.join(STREETS)})\b)"


def _phone(match: re.Match) -> str | None:
    groups = re.findall(r"\d+", match[0])
    if match[0][0] == "+" and sum(map(len, groups)) < 8:  # +1.25 and +250 are numbers
        return None
    return ("plus " if match[0][0] == "+" else "") + " , ".join(digits(group) for group in groups)


def _free_call(match: re.Match) -> str:
    """The digits before the words of a telephone number: 1-800-FLOWERS."""
    area = match["area"]
    return f"one {cardinal(int(area)) if area.endswith('00') else digits(area)}"


def _chain(match: re.Match) -> str:
    """Groups of digits joined by hyphens: codes, and counts such as 1-2-3."""
    groups = re.split("[-–]", match[0])
    say = pairs if max(map(len, groups)) < 3 else digits
    return " , ".join(say(group) for group in groups)


def _is_grouped(text: str) -> bool:
    """Whether points part thousands (1.000.000) rather than an address of the Internet (192.168.100.200)."""
    groups = [int(part) for part in text.split(".")]
    return plain(text).isdigit() and not (len(groups) == 4 and max(groups) < 256)


def _dotted(match: re.Match) -> str | None:
    repeated = re.search(r"\b[Vv]ersion\s$", match.string[: match.start()])
    if not (match["v"] or repeated) and _is_grouped(match["parts"]):
        return None
    word = "version " if match["v"] and not repeated else ""
    parts = match["parts"].split(".")
    if not word and len(parts) == 4 and max(map(int, parts)) < 256:  # an address of the Internet
        port = f" colon {pairs(match['port'])}" if match.groupdict().get("port") else ""
        return " dot ".join(digits(part) for part in parts) + port
    return word + " point ".join(cardinal(int(part)) for part in parts)


def _name(match: re.Match) -> str:
    """Words of the number in a name, which may be plural or a possessor."""
    head, _, last = pairs(match["number"]).rpartition(" ")
    ending = (match["ending"] or "").replace("’", "'")
    return f"{head} {plural(last) if ending == 's' else last + ending}"


_ROOMS = {"Rm": "room", "Hwy": "highway", "Rte": "route"}


def _room(match: re.Match) -> str:
    word = _ROOMS.get(match["word"].rstrip(".")) or match["word"].lower()
    if match["word"].isupper():
        word = acronym(match["word"])
    if word[:4] in ("call", "dial"):
        return f"{word} {digits(match['number'])}"
    return f"{word} {_name(match)}"


def _military_time(match: re.Match) -> str:
    """Hours and minutes without a mark: 0800 hrs, or at 0730."""
    hour, minute = match["hour"], match["minute"]
    words = f"{'oh ' if hour[0] == '0' else ''}{cardinal(int(hour))}"
    return (
        f"{words} {'hundred' if minute == '00' else ('oh ' if minute[0] == '0' else '') + cardinal(int(minute))}"
        f"{' hours' if match['hours'] or minute == '00' else ''}"
    )


def _plan(match: re.Match) -> str:
    """A section of a law that is known by its number: a 401(k), 501(c)(3)."""
    more = f" {cardinal(int(match['more']))}" if match["more"] else ""
    return f"{pairs(match['number'])} {match['part'].upper()}{more}"


#: Behind a version: nothing, a letter or a tag with its number, 1.2.3b, 3.10.0rc1.
_TAGGED = r"(?=[a-z]?(?!\w)|(?:rc|r|a|b|p|alpha|beta|dev|post)\d)"
#: Who bats, and what tells that cricket is played.
_BATS = re.compile(
    r"\b(?:India|Australia|England|Pakistan|New Zealand|South Africa|Bangladesh|Sri Lanka|West Indies|Zimbabwe|Ireland|"
    r"Afghanistan|Scotland|Surrey|Yorkshire|Kent|Essex|Lancashire|Somerset)\s(?:(?:were|was|are|reached|at|on|made|posted|"
    r"finished|closed)\s)*$"
)
_CRICKET = re.compile(
    r"(?i)\b(?:cricket|innings|overs|wickets?|bowled|batsm[ae]n|batters?|stumps|declared|odi|t20|all out)\b"
)


def _wickets(match: re.Match) -> str | None:
    """Runs for the loss of so many wickets: India 286/7."""
    around = match.string[max(0, match.start() - 60) : match.end() + 60]
    bats = match["wickets"] != "1" and _BATS.search(match.string[: match.start()][-40:])  # 50/1 are odds
    if int(match["runs"]) <= 20 or match[0] == "24/7" or not (bats or _CRICKET.search(around)):
        return None
    return f"{pairs(match['runs'])} for {cardinal(int(match['wickets']))}{' declared' if match['declared'] else ''}"


def _keys(match: re.Match) -> str | None:
    """Keys of a telephone, where one of them is a star or a hash before or after digits: *67, #31#."""
    keys = match[0]
    if keys[0] == "#" and not keys.endswith("#"):
        return None
    if keys[0] != "#" and not re.search(
        r"(?i)\b(?:dial|press|call|enter|type|hit|or|and)\W+$", match.string[: match.start()][-12:]
    ):
        return None
    return " ".join({"*": "star", "#": "hash"}.get(key) or digits(key) for key in keys)


def _code(match: re.Match) -> str | None:
    """A number that is told digit by digit, by the words before it; three digits after fewer of them."""
    coded = _CODED if len(match[0]) > 3 else _SHORT_CODED
    return digits(match[0]) if coded.search(match.string[max(0, match.start() - 30) : match.start()]) else None


def _emergency(match: re.Match) -> str | None:
    """The number of an emergency line, where a call is spoken of."""
    rest = match.string[match.end() :]
    called = _CALLED.search(match.string[max(0, match.start() - 60) : match.start()])
    return (
        digits(match[0])
        if called or match[0] == "911" and re.match(r"\s(?:was\s)?(?:called|calls?|dispatch\w*|operators?)\b", rest)
        else None
    )


def _after_capitals(match: re.Match) -> str | None:
    """Four digits after capitals: flights and models, as UA 1234."""
    return None if re.match(r"\s[a-z]+s\b", match.string[match.end() :]) else pairs(match[0])


def _isotope(match: re.Match) -> str | None:
    """Three digits joined to a name: Uranium-235."""
    before = re.search(r"\b[A-Z][a-z]{3,}-$", match.string[max(0, match.start() - 20) : match.start()])
    return pairs(match[0]) if before and before[0] not in ("Post-", "Over-", "Under-", "From-") else None


def _house(match: re.Match) -> str:
    return pairs(match[0]) if len(match[0]) > 3 else cardinal(int(match[0]))


#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    (
        "identifier",
        r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![\w-])",
        lambda match: " , ".join(map(spell, match[0].split("-"))),
    ),
    (
        "flat",
        r"(?:(?<=\bFlat )|(?<=\bUnit ))(\d{1,2})/(\d{1,2})(?![\w/])",
        lambda match: f"{pairs(match[1])} {pairs(match[2])}",
    ),
    ("wickets", r"(?P<runs>\d{1,3})/(?P<wickets>\d)(?P<declared>d)?(?![\w/]|[.,]\d)", _wickets),
    ("hexadecimal", r"0[xX][0-9A-Fa-f]{2,}(?!\w)", lambda match: spell(match[0])),
    (
        "hardware",
        r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])",
        lambda match: " , ".join(spell(part) for part in re.split("[:-]", match[0])),
    ),
    ("phone", r"\+\d{1,3}(?:[\s.-]?\(?\d{1,4}\)?){2,5}(?!\d)", _phone),
    ("phone", r"(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[\s./-])\d{3}[\s.-]\d{4}(?![\d-])", _phone),
    ("phone", r"\d{3}-\d{4}(?![\d-])", _phone),
    ("phone", r"0\d{2,4}(?:[\s-]\d{3,4}){2}(?![\d-])", _phone),
    ("phone", r"0\d{2,4}[\s-]\d{5,8}(?![\d-])", _phone),
    ("code", r"\d{3} \d{4} \d{4}(?![\d-])", _phone),
    ("card", r"\d{4}(?:[ -]\d{4}){3}(?![\d-])", _phone),
    ("phone", r"1-(?P<area>\d{3})-(?=[A-Z][A-Za-z])", _free_call),
    ("phone", r"\(0\d{1,4}\)\s?\d{3,4}[\s-]?\d{3,4}(?![\d-])", _phone),
    ("extension", r"(?<=\d{3}[-. ]\d{4}\s)x\s?(\d{1,5})\b", lambda match: f"extension {pairs(match[1])}"),
    ("zip", rf"(?:{_AFTER_STATE})\d{{5}}(?:-\d{{4}})?(?![\w-]|[,.]\d)", _phone),
    ("zip", r"\d{5}-\d{4}(?![\w-]|[,.]\d)", _phone),
    ("chain", r"\d+(?:(?:-\d+){2,}|(?:–\d+){2,})(?!\d)", _chain),
    ("keys", r"[*#]\d[\d*#]*|\d+#(?!\w)", _keys),
    (
        "status",
        r"(?:30[1-478]|4(?:0\d|1[0-8]|2[2-9]|51)|50[0-8])(?=\s(?:errors?|status|response|redirects?)\b)|(?:40[134]|50[0-4])(?=\spage\b)",
        lambda match: pairs(match[0]),
    ),
    ("players", r"(?P<number>\d[1-9])ers\b", lambda match: f"{cardinal(int(match['number'])).removesuffix('e')}ers"),
    (
        "military",
        r"(?:(?=0)|(?<=\b[Aa]t\s)|(?<=\b[Bb]y\s)|(?<=\b[Uu]ntil\s)|(?<=\b[Aa]round\s))"
        r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\s?(?P<hours>hrs?\b\.?|hours\b)(?!\sof\b)",
        _military_time,
    ),
    (
        "military",
        r"(?:(?<=\b[Aa]t\s)|(?<=\b[Dd]eparts\s)|(?<=\b[Aa]rrives\s))(?P<hour>0\d)(?P<minute>[0-5]\d)(?P<hours>)(?!\w|[\s-]\d)",
        _military_time,
    ),
    (
        "brand",
        r"3M(?:(['’]s)\b|(?=\s(?:Company|Co|Corporation|Corp|Scotch|Command|Post|tapes?|masks?|respirators?|adhesives?|"
        r"products?|stock|shares|said|makes|announced)\b))",
        lambda match: "three M's" if match[1] else "three M",
    ),
    ("version", r"(?P<v>v|V(?=\d+\.))(?P<parts>\d+(?:\.\d+)*)(?![\w])", _dotted),
    ("version", rf"(?P<v>)(?P<parts>\d+(?:\.\d+){{2,}})(?::(?P<port>\d{{2,5}})\b)?{_TAGGED}", _dotted),
    ("docket", r"(?<=\bNo\. )\d{1,3}-\d{2,6}(?![\w-])", lambda match: " dash ".join(map(pairs, match[0].split("-")))),
    ("standard", r"802\.11([a-z]{0,2})\b", lambda match: f"eight oh two point eleven {spell(match[1])}"),
    (
        "clothes",
        r"(\d\d)W\s?[x×]\s?(\d\d)L\b",
        lambda match: f"{cardinal(int(match[1]))} W by {cardinal(int(match[2]))} L",
    ),
    ("aperture", r"f/(?=\d)", lambda match: "F"),
    ("serial", r"(?<=[A-Z]{2}-)\d{2,}(?:-\d+)+(?![\w-])", lambda match: " , ".join(map(pairs, match[0].split("-")))),
    ("model", r"(?<=[A-Z]-)(?P<number>\d{2,4})(?P<ending>['’]?s)?\b(?![-.,]\d)", _name),
    (
        "plan",
        r"(?P<number>40[13]|501|457|529)(?:\((?=[a-z]\))|(?=[bk]\b))(?P<part>[a-z])\)?(?:\((?P<more>\d)\))?(?!\w)",
        _plan,
    ),
    (
        "episode",
        r"S(\d\d?)E(\d\d?)\b",
        lambda match: f"season {cardinal(int(match[1]))} episode {cardinal(int(match[2]))}",
    ),
    ("hours", r"(1?\d)/(1?\d)c\b", lambda match: f"{cardinal(int(match[1]))} {cardinal(int(match[2]))} central"),
    ("model", r"7\d7(?=\s(?:MAX|Max|Dreamliner)\b)", lambda match: pairs(match[0])),
    (
        "model",
        r"(?P<number>7\d7)-(?P<series>[1-9]00|[89]|10)(?=(?:ER|LR|F)?\b)(?![-/.]\d)",
        lambda match: f"{pairs(match[1])} {pairs(match[2])}",
    ),
    (
        "room",
        r"\b(?P<word>[Rr]oom|(?:Rm|Hwy|Rte)\.?|[Ff]light|[Hh]ighway|[Rr]oute|[Ii]nterstate|[Bb]oeing|[Aa]irbus|Porsche|Peugeot|Ferrari|"
        r"HTTP|[Ee]rror|Xbox|Form|[Pp]ort|[Ss]uite|"
        r"(?i:call|dial)(?i:ed|ing)?(?=\s(?!0)\d{3}\b(?!\s\d{3}\s\d{4}\b)))"
        r"\s(?P<number>\d{1,4})(?P<ending>['’]?s)?\b(?![,.:-]?\d)",
        _room,
    ),
    ("emergency", r"(?:911|999|112|988)(?![\w%-]|[.,:]\d|\s(?!was\b|calls\b|operators\b)[a-z]+s\b)", _emergency),
    ("code", r"\d{3,}(?![\w]|[,.-]\d)", _code),
    ("capitals", r"(?:(?<=\b[A-Z]{2}\s)|(?<=\b[A-Z]{3}\s))\d{4}(?![\w%-]|[.,:]\d)", _after_capitals),
    ("isotope", r"(?<=[a-z]-)\d{3}(?![\w%-]|[.,:]\d)", _isotope),
    ("house", rf"\d{{1,5}}(?=\s[NSEW][EW]?{STREET_FOLLOWS})", _house),
]
