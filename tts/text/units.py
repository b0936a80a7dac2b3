"""Units of measurement by their symbols and abbreviations, and their names in the singular."""

#: Unit symbol, as written: its name in the singular.
UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer", "μm": "micrometer",
    "nm": "nanometer", "mi": "mile", "mi.": "mile", "yd": "yard", "yds": "yard", "ft": "foot", "ft.": "foot",
    "in": "inch", "in.": "inch", "kg": "kilogram", "g": "gram", "mg": "milligram", "µg": "microgram",
    "μg": "microgram", "lb": "pound", "lbs": "pound", "lb.": "pound", "lbs.": "pound", "oz": "ounce", "oz.": "ounce",
    "t": "ton", "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter", "cl": "centiliter", "gal": "gallon",
    "gal.": "gallon", "pt": "pint", "tsp": "teaspoon", "tbsp": "tablespoon", "s": "second", "sec": "second",
    "secs": "second", "ms": "millisecond", "µs": "microsecond", "μs": "microsecond", "ns": "nanosecond",
    "min": "minute", "mins": "minute", "min.": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "hrs.": "hour",
    "yr": "year", "yrs": "year", "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "PB": "petabyte", "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "kbps": "kilobit per second",
    "Mbps": "megabit per second", "Gbps": "gigabit per second", "Mb": "megabit", "Gb": "gigabit", "V": "volt",
    "mV": "millivolt", "kV": "kilovolt", "A": "ampere", "mA": "milliampere", "mAh": "milliampere hour", "W": "watt",
    "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt", "kWh": "kilowatt hour", "J": "joule", "kJ": "kilojoule",
    "cal": "calorie", "kcal": "kilocalorie", "N": "newton", "Pa": "pascal", "kPa": "kilopascal", "hPa": "hectopascal",
    "dB": "decibel", "Ω": "ohm", "kΩ": "kilohm", "K": "kelvin", "mph": "mile per hour", "kph": "kilometer per hour",
    "km/h": "kilometer per hour", "m/s": "meter per second", "mpg": "mile per gallon", "rpm": "revolution per minute",
    "fps": "frame per second", "dpi": "dot per inch", "px": "pixel", "ha": "hectare", "psi": "pound per square inch",
    "m/s²": "meter per second squared", "bpm": "beat per minute", "pts": "point", "dl": "deciliter", "dL": "deciliter",
    "mcg": "microgram", "mmHg": "millimeter of mercury", "mol": "mole",
    "ppm": "part per million", "cc": "cubic centimeter",
    "bps": "basis point", "bbl": "barrel", "atm": "atmosphere", "mW": "milliwatt", "c.": "cup",
    "fl oz": "fluid ounce", "fl. oz": "fluid ounce", "fl. oz.": "fluid ounce", "qt": "quart", "qts": "quart",
    "mo": "month", "mos": "month", "wk": "week", "wks": "week", "s²": "second squared",
    "µL": "microliter", "μL": "microliter", "µl": "microliter", "μl": "microliter", "hp": "horsepower",
    "Wh": "watt hour", "MWh": "megawatt hour", "GWh": "gigawatt hour", "eV": "electron volt", "lm": "lumen",
    "pct": "percent", "pct.": "percent",
}  # fmt: skip
_LENGTHS = "km m cm mm mi yd ft in".split()
for _length in _LENGTHS:
    UNITS |= dict.fromkeys((f"{_length}2", f"{_length}²", f"sq {_length}"), f"square {UNITS[_length]}")
    UNITS |= dict.fromkeys((f"{_length}3", f"{_length}³", f"cu {_length}"), f"cubic {UNITS[_length]}")
    UNITS |= {f"{power}. {_length}{stop}": UNITS[f"{power} {_length}"] for power in ("sq", "cu") for stop in ("", ".")}
UNITS |= {name.upper(): UNITS[name] for name in "km kg mg cm mm lb lbs oz ft yd ml min hr hrs gal mph tsp".split()}
UNITS |= {"kms": "kilometer", "kgs": "kilogram", "gms": "gram", "tbsps": "tablespoon", "tsps": "teaspoon"}
UNITS |= {f"{name}.": UNITS[name] for name in "tsp tbsp hr mins sec secs yd yds pt yr yrs qt mo mos wk wks".split()}
UNITS |= {
    "Tbsp": "tablespoon", "Tbs": "tablespoon", "Tbs.": "tablespoon", "tbs": "tablespoon", "tbs.": "tablespoon",
    "Tbsp.": "tablespoon", "TBSP": "tablespoon", "Tsp": "teaspoon", "Tsp.": "teaspoon",
    "pp": "percentage point", "ppb": "part per billion", "inHg": "inch of mercury", "Nm": "newton meter",
    "ft-lb": "foot pound", "ft-lbs": "foot pound", "lb-ft": "pound foot", "nmi": "nautical mile", "kt": "knot",
    "kts": "knot", "lx": "lux", "Torr": "torr", "rad": "radian", "s2": "second squared", "req": "request",
    "wkts": "wicket", "wkts.": "wicket", "ly": "light year", "BPM": "beat per minute", "kDa": "kilodalton",
    "Da": "dalton", "Å": "angstrom", "\u212b": "angstrom", "Bq": "becquerel",
    "Gy": "gray", "kn": "knot", "Sv": "sievert", "mEq": "milli equivalent", "mOsm": "milli osmole",
    "IU": "international unit", "mIU": "milli international unit", "U/L": "unit per liter",
    "U/mL": "unit per milliliter", "pts.": "point",
}  # fmt: skip
#: Symbols that take a prefix, the prefixes that are used with them, and the name without one.
_PREFIXED = {
    "eV": ("k M G T", "electron volt"), "F": ("p n µ μ m", "farad"), "Sv": ("µ μ m", "sievert"),
    "Bq": ("k M G", "becquerel"), "Gy": ("m", "gray"), "Pa": ("M G", "pascal"), "N": ("m k", "newton"),
    "J": ("m M G", "joule"), "V": ("µ μ M", "volt"), "A": ("n µ μ k", "ampere"), "W": ("µ μ T", "watt"),
    "Ω": ("m M", "ohm"), "Hz": ("T", "hertz"), "T": ("m µ μ n", "tesla"), "H": ("m µ μ n", "henry"),
    "mol": ("n µ μ m k", "mole"), "bar": ("m", "bar"), "g": ("n", "gram"), "s": ("p", "second"),
    "L": ("n h", "liter"), "bit": ("k M G T", "bit"), "M": ("n µ μ m", "molar"), "VA": ("k M", "volt ampere"),
    "B": ("E", "byte"), "t": ("M G", "ton"), "pc": ("k M", "parsec"), "P": ("M", "pixel"), "Wh": ("m T", "watt hour"),
}  # fmt: skip
_PREFIXES = {
    "p": "pico", "n": "nano", "µ": "micro", "μ": "micro", "m": "milli", "h": "hecto", "k": "kilo", "M": "mega",
    "G": "giga", "T": "tera", "E": "exa",
}  # fmt: skip
for _symbol, (_allowed, _name) in _PREFIXED.items():
    UNITS |= {f"{_prefix}{_symbol}": f"{_PREFIXES[_prefix]}{_name}" for _prefix in _allowed.split()}
#: Units that are also letters or words: only directly after the digits.
ATTACHED_UNITS = frozenset({"in", "t", "A", "N"})

#: Abbreviations after an amount and a slash ($5/hr).
PER_UNITS = {name: UNITS[name] for name in ("hr", "h", "yr", "lb", "oz", "kg", "gal", "mi", "sq ft", "min", "sec")}
PER_UNITS |= {"bbl": "barrel", "d": "day", "wk": "week", "mo": "month"}
