"""Vocabulary of the rules: abbreviations, units, currencies, symbols and initialisms, all of English."""

MONTHS = (
    "january february march april may june july august september october november december"
).split()  # fmt: skip
MONTH_NUMBERS = {name: index for index, name in enumerate(MONTHS, 1)}
MONTH_NUMBERS |= {name[:3]: index for index, name in enumerate(MONTHS, 1)} | {"sept": 9}

#: Abbreviations with a full stop after which no sentence begins.
TITLES = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "messrs": "messieurs", "prof": "professor", "rev": "reverend",
    "gen": "general", "col": "colonel", "capt": "captain", "cpt": "captain", "lt": "lieutenant", "sgt": "sergeant",
    "cmdr": "commander", "adm": "admiral", "maj": "major", "sen": "senator", "rep": "representative",
    "gov": "governor", "pres": "president", "hon": "honorable", "fr": "father", "supt": "superintendent",
    "mt": "mount", "ft": "fort",
    "eg": "for example", "ie": "that is",
    "vs": "versus", "e.g": "for example", "i.e": "that is", "cf": "compare", "approx": "approximately",
    "viz": "namely", "ca": "circa", "al": "al", "fig": "figure", "figs": "figures", "vol": "volume", "ch": "chapter",
    "sec": "section", "eq": "equation", "pp": "pages", "nos": "numbers", "apt": "apartment", "tel": "telephone",
    "ext": "extension", "est": "established", "resp": "respectively", "incl": "including",
    "acct": "account", "univ": "university", "ste": "suite", "elev": "elevation", "mtg": "meeting",
    "rm": "room", "chap": "chapter", "agg": "aggregate", "mk": "mark", "nr": "near", "eqs": "equations",
    "chs": "chapters", "vols": "volumes", "encl": "enclosed", "attn": "attention", "drs": "doctors", "mme": "madame",
    "mlle": "mademoiselle", "pvt": "private", "cpl": "corporal", "msgr": "monsignor", "insp": "inspector",
    "atty": "attorney", "amb": "ambassador", "asst": "assistant", "assoc": "associate", "bldg": "building",
    "deg": "degrees", "sens": "senators", "reps": "representatives", "profs": "professors", "govs": "governors",
    "det": "detective", "esp": "especially", "excl": "excluding", "intl": "international", "natl": "national",
    "jas": "james", "avg": "average", "conf": "conference", "pkg": "package", "pkgs": "packages",
    "pls": "please", "rte": "route", "tpke": "turnpike",
    "wm": "william", "chas": "charles", "geo": "george", "robt": "robert", "thos": "thomas", "benj": "benjamin",
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "jun": "june", "jul": "july",
    "aug": "august", "sep": "september", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday", "thur": "thursday",
    "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday",
}  # fmt: skip
#: Abbreviations that may also end a sentence.
ENDINGS = {
    "etc": "et cetera", "jr": "junior", "sr": "senior", "esq": "esquire", "inc": "incorporated",
    "corp": "corporation", "ltd": "limited", "co": "company", "bros": "brothers", "dept": "department",
    "assn": "association", "ave": "avenue", "blvd": "boulevard", "rd": "road", "ln": "lane", "ct": "court",
    "sq": "square", "hwy": "highway", "pkwy": "parkway", "misc": "miscellaneous", "max": "maximum", "min": "minimum",
    "ph.d": "P H D", "p.s": "P S", "m.d": "M D", "b.a": "B A", "m.a": "M A", "b.sc": "B S C", "m.sc": "M S C",
    "calif": "california", "fla": "florida", "colo": "colorado", "minn": "minnesota", "wis": "wisconsin",
     "mass": "massachusetts", "conn": "connecticut", "penn": "pennsylvania", "tenn": "tennessee",
    "mich": "michigan", "ariz": "arizona", "wash": "washington", "okla": "oklahoma", "govt": "government",
    "hrs": "hours", "hr": "hour", "mins": "minutes", "secs": "seconds", "yrs": "years", "lbs": "pounds",
    "lb": "pound", "oz": "ounces", "qtr": "quarter", "doz": "dozen", "pct": "percent",
    "ppl": "people", "mgr": "manager",
}  # fmt: skip
#: Abbreviations before a number only.
BEFORE_NUMBERS = {
    "fig": "figure", "temp": "temperature", "art": "article", "cl": "clause", "para": "paragraph", "wt": "weight",
    "ht": "height", "ep": "episode", "eps": "episodes", "stat": "statutes", "no": "number",
    "nos": "numbers", "p": "page", "op": "opus", "dep": "departs", "arr": "arrives", "sect": "section",
    "thm": "theorem", "fl": "flourished", "prop": "proposition", "col": "column",
    "pg": "page", "pgs": "pages", "pop": "population", "pt": "part", "pts": "parts", "rt": "route", "n": "note",
    "ln": "line", "vv": "verses", "sc": "scene", "fn": "footnote", "fns": "footnotes", "nn": "notes",
    "eqn": "equation", "eqns": "equations",
}  # fmt: skip
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
#: Words shortened with an apostrophe.
CONTRACTED = {
    "gov't": "government", "dep't": "department", "int'l": "international", "nat'l": "national",
    "rock'n'roll": "rock and roll", "ass'n": "association", "cont'd": "continued", "sec'y": "secretary",
}  # fmt: skip
#: Of the above, those that are words of their own: only before a capital, a digit or the end of the text.
WORDS_TOO = frozenset("mar jun jul sat sun mon wed mass wash max min sec fig gen col al rep hon geo".split())
#: Abbreviations that are also said so without a full stop.
BARE = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "prof": "professor", "jr": "junior", "vs": "versus",
    "etc": "et cetera", "ph.d": "P H D", "phd": "P H D", "blvd": "boulevard",
    "hwy": "highway", "rte": "route", "thx": "thanks", "pls": "please", "acct": "account", "sgt": "sergeant",
    "cpl": "corporal", "capt": "captain", "lt": "lieutenant", "mt": "mount", "sr": "senior", "utd": "united",
}  # fmt: skip

#: States of the US, before the number of a post office.
STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA "
    "RI SC SD TN TX UT VT VA WA WV WI WY DC PR"
).split()
#: Older abbreviations of states, after a town or a party: Springfield, Ill.
STATES_SHORT = {
    "Ala": "alabama", "Ariz": "arizona", "Ark": "arkansas", "Calif": "california", "Colo": "colorado",
    "Conn": "connecticut", "Del": "delaware", "Fla": "florida", "Ga": "georgia", "Ill": "illinois", "Ind": "indiana",
    "Kan": "kansas", "Ky": "kentucky", "La": "louisiana", "Mass": "massachusetts", "Md": "maryland", "Mich": "michigan",
    "Minn": "minnesota", "Miss": "mississippi", "Mo": "missouri", "Mont": "montana", "Neb": "nebraska", "Nev": "nevada",
    "Okla": "oklahoma", "Ore": "oregon", "Pa": "pennsylvania", "Tenn": "tennessee", "Tex": "texas", "Va": "virginia",
    "Vt": "vermont", "Wash": "washington", "Wis": "wisconsin", "Wyo": "wyoming",
}  # fmt: skip
#: Last words of the names of streets.
STREETS = (
    "St Street Ave Avenue Blvd Boulevard Rd Road Dr Drive Ln Lane Ct Court Pl Place Hwy Highway Pkwy Parkway Way Sq "
    "Square Ter Terrace"
).split()
#: Sign: unit, and hundredth where it has one.
CURRENCIES = {
    "$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent"), "¥": ("yen", None),
    "₹": ("rupee", "paisa"), "₽": ("ruble", "kopeck"), "₩": ("won", None),
    "₿": ("bitcoin", None), "₺": ("lira", None), "₪": ("shekel", None), "฿": ("baht", None), "₫": ("dong", None),
    "₦": ("naira", None), "₴": ("hryvnia", None), "₱": ("peso", None), "R$": ("real", None),
}  # fmt: skip
CURRENCY_PLURALS = {
    "penny": "pence",
    "paisa": "paise",
    "won": "won",
    "yen": "yen",
    "lira": "lira",
    "baht": "baht",
    "dong": "dong",
    "naira": "naira",
    "krone": "kroner",
    "norwegian krone": "norwegian kroner",
    "danish krone": "danish kroner",
    "swedish krona": "swedish kronor",
    "rand": "rand",
}
#: Hundredths of the currencies that have them, by the last word of their names.
HUNDREDTHS = {
    "dollar": "cent", "euro": "cent", "pound": "penny", "rupee": "paisa", "ruble": "kopeck", "franc": "centime",
    "peso": "centavo", "rand": "cent", "real": "centavo",
}  # fmt: skip
CURRENCY_CODES = {
    "USD": "US dollar", "EUR": "euro", "GBP": "british pound", "JPY": "yen", "CAD": "canadian dollar",
    "AUD": "australian dollar", "CHF": "swiss franc", "INR": "rupee", "CNY": "yuan", "NZD": "new zealand dollar",
    "HKD": "hong kong dollar", "SGD": "singapore dollar", "MXN": "mexican peso", "PLN": "zloty",
    "SEK": "swedish krona", "BTC": "bitcoin", "NOK": "norwegian krone", "DKK": "danish krone", "ZAR": "rand",
    "KRW": "won", "THB": "baht", "BRL": "real", "RUB": "ruble", "CZK": "czech koruna",
    "HUF": "forint", "IDR": "rupiah", "MYR": "ringgit", "ILS": "shekel", "NGN": "naira",
    "TWD": "new taiwan dollar", "UAH": "hryvnia", "VND": "dong", "Rs.": "rupee", "Rs": "rupee", "kr": "krone",
    "zł": "zloty", "Kč": "czech koruna",
}  # fmt: skip
DOLLARS_OF = {
    "US": "U S", "A": "australian", "C": "canadian", "CA": "canadian", "AU": "australian", "NZ": "new zealand",
    "HK": "hong kong", "S": "singapore", "NT": "new taiwan", "USD": "U S", "CAD": "canadian", "AUD": "australian",
}  # fmt: skip
MAGNITUDES = {
    "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "mm": "million",
    "b": "billion", "B": "billion", "MM": "million", "bn": "billion", "tn": "trillion", "T": "trillion",
    "trn": "trillion",
}  # fmt: skip

#: Symbols wherever no rule has taken them.
SYMBOLS = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "#": "hash", "*": "asterisk", "/": "slash",
    "\\": "backslash", "^": "caret", "~": "tilde", "_": "underscore", "<": "less than", ">": "greater than",
    "|": "vertical bar", "`": "backtick", "$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "¢": "cents",
    "₹": "rupee", "₽": "ruble", "₩": "won", "₿": "bitcoin", "₺": "lira", "₪": "shekel", "฿": "baht", "₫": "dong",
    "₦": "naira", "₴": "hryvnia", "°": "degrees",
    "≤": "less than or equal to", "≥": "greater than or equal to", "≠": "not equal to", "≈": "approximately equal to",
    "±": "plus or minus", "×": "times", "÷": "divided by", "−": "minus", "√": "square root of", "∞": "infinity",
    "∑": "sum", "∫": "integral", "∂": "partial", "∈": "in", "→": "to", "←": "from", "⇒": "implies", "↔": "to and from",
    "➔": "to", "➜": "to", "➝": "to", "➞": "to", "➡": "to", "⬅": "from", "⬆": "up", "⬇": "down",
    "↑": "up", "↓": "down", "∪": "union", "∩": "intersection", "∀": "for all", "∃": "there exists", "∅": "empty set",
    "∝": "proportional to", "∥": "parallel to", "⊥": "perpendicular to",
    "∠": "angle", "∴": "therefore", "✓": "check mark", "✔": "check mark", "★": "star",
    "☆": "star", "♥": "heart", "❤": "heart", "₱": "peso",
    "©": "copyright", "®": "registered", "™": "trademark", "§": "section", "†": "dagger", "‡": "double dagger",
    "‰": "per mille", "µ": "micro", "№": "number", "½": "one half", "¼": "one quarter", "¾": "three quarters",
    "⅓": "one third", "⅔": "two thirds", "⅛": "one eighth", "⅜": "three eighths", "⅝": "five eighths",
    "⅞": "seven eighths", "²": "squared", "³": "cubed", "⁄": "slash", "′": "prime", "″": "double prime", "·": "dot",
    "∙": "dot", "⋅": "dot", "♭": "flat", "♯": "sharp", "♮": "natural", "≡": "identical to", "∇": "del",
    "⊂": "subset of", "⊆": "subset of", "∉": "not in", "≪": "much less than", "≫": "much greater than", "∘": "of",
    "✗": "cross", "✘": "cross", "☐": "check box", "☑": "check mark", "♠": "spade", "♣": "club", "♦": "diamond",
    "☎": "telephone", "✉": "envelope", "☀": "sun", "☁": "cloud", "☂": "umbrella", "☃": "snowman", "℗": "copyright",
    "℠": "service mark", "ℓ": "L", "ℏ": "H bar", "⟶": "to", "⟹": "implies", "⇔": "if and only if", "⇌": "to and from",
    "¬": "not", "∧": "and", "∨": "or", "♀": "female", "♂": "male", "¡": "!", "¿": "?", "∆": "delta", "∼": "tilde",
    "∛": "cube root of", "∜": "fourth root of", "▲": "up", "▼": "down", "△": "triangle", "♪": "music", "♫": "music",
    "⌘": "command", "⌥": "option", "⏎": "enter", "₊": "plus", "₋": "minus",
}  # fmt: skip
#: Symbols of several characters, longest first.
LONG_SYMBOLS = {
    "+/-": "plus or minus", "<=>": "if and only if", ">=": "greater than or equal to", "<=": "less than or equal to",
    "!=": "not equal to", "==": "equals", "§§": "sections",
    "->": "to", "=>": "implies", "<-": "from", "&&": "and", "||": "or",
}  # fmt: skip
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau "
        "upsilon phi chi psi omega".split(),
        strict=True,
    )
) | {"ϕ": "phi", "ϑ": "theta", "ϵ": "epsilon", "ϱ": "rho", "µ": "mu"}
#: Marks that become breaks; what stands for each.
MARKS = {
    ",": ",", ";": ";", ":": ":", ".": ".", "?": "?", "!": "!", "…": "…", "—": "—", "–": "—", "―": "—", "-": "-",
    "‐": "-", "‑": "-", "(": "(", ")": ")", "[": "[", "]": "]", "{": "{", "}": "}", '"': '"', "“": '"', "”": '"',
    "„": '"', "«": '"', "»": '"', "'": "'", "‘": "'", "’": "'", "‚": "'", "‹": "'", "›": "'", "´": "'", "•": ";",
    "‣": ";", "▪": ";", "●": ";", "◦": ";", "、": ",", "。": ".", "，": ",", "！": "!", "？": "?", "；": ";", "：": ":",
}  # fmt: skip

#: Capitals said as a word although the dictionary has none or spells it.
SAID_AS_WORDS = frozenset("COV VMWARE BIBTEX ASAP UEFA DACA VOIP OPENAI".split())
#: Capitals of two letters that are words; longer ones are looked up in the dictionary.
SHORT_WORDS = frozenset("A I AM AN AS AT BE BY DO GO HE HI IF IN IS ME MY NO OF OH ON OR SO TO UP WE YO".split())
#: Capitals that the dictionary has as words, but that are read letter by letter.
INITIALISMS = frozenset(
    "ACA ADA ADO DOI AKA ALA ALS AMI ANA ASA AST ATA BOM COD COO DEA DIA DOE EDA EEG EGO ENT EOS ERA EST ETA GAO GED "
    "IDE IDS IFS IMO IRA ISA ISU ITA LAX LED MIA NEC ONA ONS OTT PAS PIO POS POW PSI RAF RIP ROI SAP SAT SEC SOS "
    "SUI TIA UPS URI UVA VAT".split()
)
#: Of these and of two letters, those that are words where all is in capitals.
SHOUTED_WORDS = frozenset("US IT LED ERA SAT POW RIP SAP VAT EGO ADO".split())
#: Capitals that may be words, but are initials after "the".
AFTER_THE = frozenset("WHO US IT OR ACT".split())
#: What is counted in millions rather than measured in meters: 1.3m people.
COUNTED = (
    "people users customers views downloads followers subscribers jobs homes households children workers voters "
    "passengers members doses tons tonnes shares copies euros dollars pounds barrels deaths cases students visitors "
    "viewers listeners readers fans streams tickets units residents refugees employees patients subscriptions likes"
).split()
DIRECTIONS = {
    "N": "north", "S": "south", "E": "east", "W": "west", "NE": "northeast", "NW": "northwest", "SE": "southeast",
    "SW": "southwest",
}  # fmt: skip
#: Countries and states that are named with a direction.
REGIONS = "Korea Africa America Virginia Carolina Dakota Europe Asia Sudan Vietnam Germany".split()
#: Words that often begin a sentence after an abbreviation that may have ended the one before.
STARTERS = frozenset(
    "The A An He She It I We They You This That These Those There Then In On At By For From But And Or So When Where "
    "While What Who Why How If After Before Because Although However Its His Her Our Their My Your No Not One Some "
    "Many Most All Each Every Now Today Tomorrow Yesterday As With Another Both Here Please Let Do Did "
    "Is Are Was".split()
)
