"""Everything that the normalisation says by itself has a pronunciation."""

import pytest

from speech.lexicon import Lexicon
from tts.text import tables, units
from tts.text.numbers import cardinal, decimal, ordinal, plural


@pytest.mark.parametrize(
    "table", ["TITLES", "ENDINGS", "BARE", "CURRENCY_CODES", "MAGNITUDES", "SYMBOLS", "LONG_SYMBOLS", "GREEK"]
)
def test_tables_can_be_pronounced(table):
    lexicon = Lexicon()
    for spoken in getattr(tables, table).values():
        for word in spoken.split():
            assert not word.isalpha() or word in lexicon, word


def test_units_and_money_can_be_pronounced():
    lexicon = Lexicon()
    for name in units.UNITS.values():
        assert name == "foot" or plural(name.split()[0]) in lexicon or " " in name, name
    for unit, cent in tables.CURRENCIES.values():
        assert tables.CURRENCY_PLURALS.get(unit, plural(unit)) in lexicon
        assert cent is None or cent in lexicon


def test_numbers_can_be_pronounced():
    lexicon = Lexicon()
    numbers = [*range(101), *(10**power for power in range(2, 22))]
    words = " ".join([decimal("0.5"), *(cardinal(n) for n in numbers), *(ordinal(n) for n in numbers)]).split()
    for word in set(words) | {plural(ordinal(n)) for n in range(3, 21)}:
        assert word in lexicon, word
