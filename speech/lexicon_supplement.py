"""Words that the text normalisation says and the CMU dictionary lacks or says unusually: units, scales, names."""

from speech.lexicon_names import NAMES

_ROWS = """
backtick B AE1 K T IH2 K
becquerel B EH2 K ER0 EH1 L
brulee B R UW0 L EY1
buffet B AH0 F EY1
captcha K AE1 P CH AH0
caret K EH1 R AH0 T
centavo S EH0 N T AA1 V OW0
centiliter S EH1 N T AH0 L IY2 T ER0
covid K OW1 V IH0 D
crore K R AO1 R
dalton D AO1 L T AH0 N
docx D AA1 K EH2 K S
eta EY1 T AH0
flotus F L OW1 T AH0 S
fomo F OW1 M OW0
gibibyte G IH1 B IH0 B AY2 T
gif G IH1 F
gigabit G IH1 G AH0 B IH2 T
gigahertz G IH1 G AH0 HH ER2 T S
gigawatt G IH1 G AH0 W AA2 T
github G IH1 T HH AH2 B
goethe G ER1 T AH0
haakon HH AO1 K AH0 N
hectopascal HH EH1 K T OW0 P AE2 S K AH0 L
hertz HH EH1 R T S
houses HH AW1 Z AH0 Z
hryvnia HH R IH1 V N IY0 AH0
ith AY1 TH
jpeg JH EY1 P EH2 G
json JH EY1 S AH0 N
jth JH EY1 TH
kibibyte K IH1 B IH0 B AY2 T
kilocalorie K IH1 L AH0 K AE2 L ER0 IY0
kilodalton K IH1 L AH0 D AO2 L T AH0 N
kilohertz K IH1 L AH0 HH ER2 T S
kilohm K IH1 L OW2 M
kilojoule K IH1 L AH0 JH UW2 L
kilopascal K IH1 L AH0 P AE2 S K AH0 L
kilovolt K IH1 L AH0 V OW2 L T
kopeck K OW1 P EH2 K
kth K EY1 TH
kyiv K IY1 IH0 V
lakh L AE1 K
margrethe M AA2 R G R EY1 T AH0
mebibyte M EH1 B IH0 B AY2 T
microsecond M AY1 K R OW0 S EH2 K AH0 N D
milliampere M IH2 L IY0 AE1 M P IH2 R
millivolt M IH1 L AH0 V OW2 L T
milliwatt M IH1 L AH0 W AA2 T
miz M IH1 Z
mth EH1 M TH
noreply N OW2 R IY0 P L AY1
omicron OW1 M IH0 K R AA2 N
paisa P AY1 S AA0
paise P AY1 S EY0
petabyte P EH1 T AH0 B AY2 T
potus P OW1 T AH0 S
quadrillion K W AA0 D R IH1 L Y AH0 N
quadrillionth K W AA0 D R IH1 L Y AH0 N TH
quintillion K W IH0 N T IH1 L Y AH0 N
quintillionth K W IH0 N T IH1 L Y AH0 N TH
radian R EY1 D IY0 AH0 N
readme R IY1 D M IY2
rth AA1 R TH
saoirse S ER1 SH AH0
scotus S K OW1 T AH0 S
segue S EH1 G W EY2
sextillion S EH0 K S T IH1 L Y AH0 N
sieverts S IY1 V ER0 T S
spacex S P EY2 S EH1 K S
tau T AW1
toml T AA1 M AH0 L
trillionth T R IH1 L Y AH0 N TH
txt T EH1 K S T
upsilon AH1 P S AH0 L AA2 N
yaml Y AE1 M AH0 L
zeroth Z IH1 R OW0 TH
"""
_PREFIXES = """
giga G IH1 G AH0
hecto HH EH1 K T OW0
kilo K IH1 L AH0
mega M EH1 G AH0
micro M AY1 K R OW0
milli M IH1 L AH0
nano N AE1 N OW0
pico P IY1 K OW0
tera T EH1 R AH0
"""
#: Units as they are said after a prefix.
_UNITS = """
ampere AE2 M P IH0 R
becquerel B EH2 K ER0 EH0 L
bit B IH2 T
electron IH0 L EH2 K T R AA0 N
farad F EH2 R AE0 D
gray G R EY2
henry HH EH2 N R IY0
hertz HH ER2 T S
joule JH UW2 L
liter L IY2 T ER0
molar M OW2 L ER0
mole M OW2 L
newton N UW2 T AH0 N
ohm OW2 M
parsec P AA2 R S EH0 K
pascal P AE2 S K AH0 L
pixel P IH2 K S AH0 L
second S EH2 K AH0 N D
sievert S IY2 V ER0 T
tesla T EH2 S L AH0
ton T AH2 N
volt V OW2 L T
watt W AA2 T
"""


def _rows(text: str) -> dict[str, str]:
    return dict(row.split(" ", 1) for row in text.strip().splitlines())


_PREFIXED = {
    prefix + unit: f"{sound} {rest}"
    for prefix, sound in _rows(_PREFIXES).items()
    for unit, rest in _rows(_UNITS).items()
}
#: Phones of each word, as the dictionary writes them.
SUPPLEMENT = _PREFIXED | _rows(NAMES) | _rows(_ROWS)
