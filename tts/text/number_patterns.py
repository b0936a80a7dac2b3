"""What the rules for numbers share: patterns of numbers, signs, ranges and units, and the words of a range."""

import re

from tts.text.numbers import decimal, digits, plural
from tts.text.units import UNITS

DASH = r"\s?[-–—−]\s?"
NUMBER = (
    r"(?:\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d|[.,]\d)|[1-9]\d{0,2}(?:\.\d{3}){2,}(?!\d|\.\d)|"
    r"(?:\d{1,3}(?:['’]\d{3})+(?![\d'’])|\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)|"
    r"\d{1,3}(?: \d{3}){2,}(?! ?\d)|\d{1,3} 000(?! ?\d)|\d{1,3}(?:,\d{3})+(?![\d])|"
    r"\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])|\d+)(?:\.\d+)?|\.\d+)"
)
#: An en dash is a minus only where nothing but a space or an opening mark stands before it.
SIGN = r"(?:(?:(?<![\w)\]])[-−+]|(?<![^\s(\[=])–(?!\s))(?=[\d.]))?"
UNIT = "(?:" + "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True)) + ")"
INCHES = r"(?:\"|″|”|'')"
#: What a recipe measures in pints and spoons, by what may stand before it: heavy cream, sour milk.
FOOD = (
    r"\s(?:[a-z]+(?:ed|ing|en|less)\s)?(?:(?:heavy|sour|light|double|single|white|brown|raw|hot|cold|cool|warm|fresh|olive|"
    r"vegetable|baking|soy|lemon|lime|orange|dry|dried|red|black|plain|whole|skim|table|sea|kosher|ground|of)\s){0,2}"
    r"(?:cream|milk|buttermilk|water|beer|ale|stock|broth|oil|juice|butter|margarine|lard|flour|sugar|salt|pepper|soda|powder|"
    r"vanilla|honey|syrup|vinegar|sauce|mustard|ketchup|mayonnaise|yogh?urt|wine|rum|brandy|yeast|cornstarch|cinnamon|ginger|"
    r"paprika|cumin|oregano|basil|thyme|parsley|garlic|onions?|herbs|seeds|zest|gelatin|cocoa|berries|\w+berries|tomatoes|"
    r"ice)\b"
)
#: Before points out of a greatest number of them.
RATED = re.compile(
    r"(?i)\b(?:rat(?:es?|ed|ing)|scor(?:es?|ed|ing)|grades?|marks?|results?|gave|give|given|giving|got)\b[\w\s:]{0,8}$"
)
_ONE = re.compile(r"\b(?:[Aa]n?|[Mm]y|[Yy]our|[Hh]is|[Hh]er|[Oo]ur)\s$")
#: What follows a length that is no noun measured by it.
_NO_NOUN = (
    r"(?!(?:x|w|by|and|or|of|in|long|wide|tall|thick|deep|high|from|to|at|on|is|was|are|were|for|with|apart|away|off|"
    r"above|below|square|across|per|than|but|when|where|each|more|less|then|as|if|he|she|they|we|you|it|down|up|into|"
    r"onto|out|back|ahead|after|before|behind|beneath|beyond|under|over|through|past|around|between|because|while|until|"
    r"which|that|so|daily|twice|once|every|later|without|had|has|have|will|would|can)\b)"
)

#: Units that measure the same or stand on a charger (5V/2A, 230V/50Hz), between which a slash is no "per".
_KINDS = (
    frozenset("g kg mg oz lb lbs".split()),
    frozenset("km m cm mm mi ft in yd".split()),
    frozenset("V A mA W Hz".split()),
    frozenset(("ml", "mL", "l", "L", "cl", "pt", "fl oz", "fl. oz", "fl. oz.", "qt", "gal", "tsp", "tbsp")),
)
_ORDERS = {"¹": "", "²": " squared", "³": " cubed"}
#: A unit, by other units: mg/kg/min, g/100 mL.
UNIT_PER = (
    rf"(?P<unit>{UNIT})(?:(?:[·⋅]|(?<=g)\s(?=m[/²]))(?P<times>{UNIT})(?!⁻))?(?:/(?!\d+\s?(?P=unit)(?!\w))(?P<count>\d+\s?(?={UNIT}(?!\w)))?"
    rf"(?P<per>{UNIT}|[a-z]{{3,}})(?:/(?P<also>{UNIT}|[a-z]{{3,}}))?)?"
    rf"(?:[·⋅\s](?P<inverse>{UNIT})⁻(?P<order>[¹²³])(?:[·⋅\s](?P<second>{UNIT})⁻¹)?)?"
    r"(?![\w²³]|/(?!\d|c[²\s.,]))"
)


def unit_name(match: re.Match, unit: str | None = None) -> str:
    """Name of a unit in the singular, from a match of `UNIT_PER`; `unit` replaces that of the first part."""
    name = unit or UNITS[match["unit"]]
    if match["times"]:
        name += f" {UNITS[match['times']]}"
    if match["count"] and any({match["unit"], match["per"]} <= kind for kind in _KINDS):  # 200g/7oz
        other = UNITS[match["per"]]
        name += f" slash {decimal(match['count'])} {other if match['count'] == '1' else many(other)}"
    elif match["count"]:
        name += f" per {decimal(match['count'])} {many(UNITS[match['per']])}"
    elif match["per"]:
        name += f" per {UNITS.get(match['per']) or match['per']}"
    if match["inverse"]:  # m·s⁻²
        name += f" per {UNITS[match['inverse']]}{_ORDERS[match['order']]}"
    if match["second"]:  # J mol⁻¹ K⁻¹
        name += f" per {UNITS[match['second']]}"
    return f"{name} per {UNITS.get(match['also']) or match['also']}" if match["also"] else name


def ranged(mark: str = "") -> str:
    """Pattern of a number, or of a range of two with `mark` (a pattern that may be empty) after the first.

    >>> re.match(ranged("%?"), "5%-10%").group("number", "to")
    ('5', '10')
    """
    return rf"(?P<number>{SIGN}{NUMBER})(?:{mark}{DASH}(?P<to>(?:(?:(?<=[–—])|(?<=[–—]\s))[-−])?{NUMBER}))?"


RANGE = ranged()


_SHARED = re.compile(r"\s(?:rule|principle|splits?|mix|chance|partnership|blend|ratio)\b")
_OPEN = re.compile(
    r"(?i)\b(?:open|available|work\w*|support|service|on call|running|staffed|monitored|go(?:es)?|all)\s$"
)
_SERVED = re.compile(
    r"(?i)\s(?:support|service|access|coverage|care|hotline|news|operations?|store|shop|job|monitoring|surveillance|"
    r"availability|emergency|help|customer|security)\b"
)
_SINCE = re.compile(r"(?i)\b(?:on|since|after|before|pre|post)[\s-]$")
_COUNTED = re.compile(
    r"(?i)\s?(?:[ap]\.?m\b|(?:hour|day|week|month|year|minute|second|point|mile|percent|this|today|tonight|of)\w*)"
)
_ATTACK = re.compile(r"\s(?:attack|terror|memorial|commission|hijack|victim|survivor|museum)\w*", re.I)


def span(match: re.Match) -> str:
    """Words of a number or a range of two."""
    if not match["to"]:
        return decimal(match["number"])
    first, last, text, end = match["number"], match["to"], match.string, match.end("to")
    if re.fullmatch(r"0\d+", first) or re.fullmatch(r"0\d+", last):
        return f"{digits(first)} , {digits(last)}"
    head = text[max(0, match.start() - 24) : match.start()]
    shared = first.isdigit() and last.isdigit() and int(first) + int(last) == 100 and _SHARED.match(text, end)
    served = match[0] == "24-7" and (_OPEN.search(head) or _SERVED.match(text, end))
    attack = _ATTACK.match(text, end) or _SINCE.search(head) and not _COUNTED.match(text, end)
    always = served or match[0] == "9-11" and attack
    formula = bool(re.match(r"\s?[=+*/×÷]", text[end:]) or re.search(r"=\s?$", text[: match.start()]))
    if text[match.end("number")].isspace():
        formula |= bool(re.search(r"[+*×÷]\s$", text[: match.start()]) or re.match(r"\s[≠≈<>≤≥]", text[end:]))
    if first == last and re.match(r"\s?=\s?(?:a|[a-z]{2,})\s[a-z]", text[end:]):
        formula = False  # 3-3 = a draw
    if not formula and (first == last or shared or always):  # a 50-50 chance, the 80-20 rule
        return f"{decimal(first)} {decimal(last)}"
    if "−" in text[match.end("number") : match.start("to")] and not re.match(r"\s?(?:[a-z]{2}|[%°])", text[end:]):
        formula = True
    return f"{decimal(first)} {'minus' if formula else 'to'} {decimal(last)}"


def is_one(match: re.Match) -> bool:
    """Whether a range's number is exactly one, which leaves a unit singular."""
    return match["number"] == "1" and not match["to"]


def many(unit: str) -> str:
    """Plural of a unit's name, in its first part.

    >>> many("mile per hour"), many("millimeter of mercury")
    ('miles per hour', 'millimeters of mercury')
    """
    head, joint, rest = re.split(r"( per | of | slash |$)", unit, maxsplit=1)
    return f"{plural(head)}{joint}{rest}"


def noun_follows(match: re.Match) -> bool:
    """Whether a noun seems to follow that is measured by the match: a 12" ruler."""
    rest = match.string[match.end() : match.end() + 40]
    if re.match(r"\s[A-Z]", rest):  # a 2 TB SSD
        return _ONE.search(match.string[max(0, match.start() - 6) : match.start()]) is not None
    return re.match(rf"\s{_NO_NOUN}[a-z]+", rest) is not None


def closes_quotation(text: str, position: int) -> bool:
    """Whether a mark at `position`, after a digit, ends a quotation that is open there and is no inch mark.

    >>> closes_quotation('"page 5"', 7), closes_quotation('a 5" nail', 3)
    (True, False)
    """
    is_open = False
    for mark in re.finditer(r"[\"“”]", text[:position]):
        if mark[0] != "“" and text[mark.start() - 1 : mark.start()].isnumeric():
            is_open = False
        else:
            is_open = mark[0] == "“" or mark[0] == '"' and not is_open
    return is_open
