"""Pronunciations of a decoder's vocabulary in a compact file: looked up once, when a language model is packaged.

Looking up 60,000 words takes a minute, for the letter-to-sound model guesses those that no dictionary has; reading the
file takes milliseconds. It is a safetensors file: phones as bytes one after the other, the length of each
pronunciation, and how many each word has; the words' names and the phones' stand in its header, zlib-compressed.
"""

import base64
import json
import logging
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ctc.beam_setup import Spellings
from speech.checkpoint import write_atomically
from speech.errors import CheckpointError, ConfigError
from speech.lexicon import MOST_PHONES, Lexicon, PronunciationError
from speech.units import Units

logger = logging.getLogger(__name__)
FORMAT = "pronunciations-1"
SHIPPED = Path(__file__).parent / "weights" / "english.lexicon.safetensors"
MOST_PRONUNCIATIONS = 4  # a word; the dictionary lists the usual ones first


@dataclass(frozen=True, eq=False)
class DecodingLexicon:
    """Words and how they are said.

    Attributes
    ----------
    words : tuple of str [W]
    symbols : tuple of str
        Phones with stress, by id.
    phones : uint8 [sum of lengths]
        Ids of all pronunciations, one after the other.
    lengths : uint8 [P]
        Phones of each pronunciation.
    counts : uint8 [W]
        Pronunciations of each word, 0 for those that have none.

    Examples
    --------
    >>> lexicon = DecodingLexicon.of_words(["read"], Lexicon())
    >>> lexicon.pronunciations("read")
    [('R', 'EH1', 'D'), ('R', 'IY1', 'D')]
    """

    words: tuple[str, ...]
    symbols: tuple[str, ...]
    phones: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray

    @classmethod
    def of_words(cls, words: Iterable[str], lexicon: Lexicon) -> "DecodingLexicon":
        """Look words up; those that cannot be pronounced get no pronunciation."""
        names = tuple(words)
        ids: dict[str, int] = {}
        phones: list[int] = []
        lengths: list[int] = []
        counts: list[int] = []
        for word in names:
            try:
                found = _looked_up(word, lexicon)
            except PronunciationError:
                found = []
            counts.append(len(found))
            for pronunciation in found:
                lengths.append(len(pronunciation))
                phones += [ids.setdefault(phone, len(ids)) for phone in pronunciation]
        parts = (np.array(part, np.uint8) for part in (phones, lengths, counts))
        return cls(names, tuple(ids), *parts)

    @classmethod
    def of_vocabulary(cls, words: Sequence[str]) -> "DecodingLexicon":
        """Pronunciations of a language model's words: from the included file if it holds them all, else looked up.

        Words that cannot be pronounced (numbers, signs) are left out, and told by a warning.
        """
        if SHIPPED.is_file():
            shipped = cls.load(SHIPPED)
            if shipped.words == tuple(words):
                return shipped
            return shipped.restricted(words).with_words(words, skip_unsayable=True)
        return cls.of_words(words, Lexicon.load())

    @classmethod
    def load(cls, path: str | Path) -> "DecodingLexicon":
        """Read a file written by `save`.

        Raises
        ------
        CheckpointError
            The file is missing, damaged or of another kind.
        """
        try:
            with safe_open(path, framework="np") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    raise CheckpointError(f"{path}: is no file of pronunciations that this version reads")
                parts = [file.get_tensor(name) for name in ("phones", "lengths", "counts")]
            words = tuple(zlib.decompress(base64.b85decode(metadata["words"])).decode().split("\n"))
            symbols = tuple(json.loads(metadata["symbols"]))
        except (SafetensorError, OSError, ValueError, KeyError, zlib.error) as error:
            raise CheckpointError(f"{path}: damaged or no file of pronunciations ({error}); install again") from error
        phones, lengths, counts = parts
        if (
            len(words) != len(counts)
            or int(counts.sum()) != len(lengths)
            or int(lengths.sum()) != len(phones)
            or (len(phones) and int(phones.max()) >= len(symbols))
        ):
            raise CheckpointError(f"{path}: is damaged (sizes disagree); install again")
        return cls(words, symbols, phones, lengths, counts)

    def save(self, path: str | Path) -> None:
        """Write the file, atomically."""
        words = base64.b85encode(zlib.compress("\n".join(self.words).encode(), 9)).decode()
        metadata = {"format": FORMAT, "words": words, "symbols": json.dumps(self.symbols)}
        data = save({"phones": self.phones, "lengths": self.lengths, "counts": self.counts}, metadata=metadata)
        write_atomically(path, lambda file: file.write(data))

    def pronunciations(self, word: str) -> list[tuple[str, ...]]:
        """Phones with stress of a word; none if it has none.

        Raises
        ------
        ValueError
            The word is not among `words`.
        """
        index = self.words.index(word)
        first = int(self.counts[:index].sum())
        ends = np.cumsum(self.lengths, dtype=np.int64)
        return [
            tuple(self.symbols[phone] for phone in self.phones[ends[row] - self.lengths[row] : ends[row]])
            for row in range(first, first + int(self.counts[index]))
        ]

    def restricted(self, words: Iterable[str]) -> "DecodingLexicon":
        """The part that some words make up, in this lexicon's order."""
        wanted = set(words)
        kept = np.array([word in wanted for word in self.words], bool)
        rows = np.repeat(kept, self.counts)
        inside = np.repeat(rows, self.lengths)
        names = tuple(word for word, keep in zip(self.words, kept, strict=True) if keep)
        return DecodingLexicon(names, self.symbols, self.phones[inside], self.lengths[rows], self.counts[kept])

    def with_words(
        self, words: Iterable[str], lexicon: Lexicon | None = None, *, skip_unsayable: bool = False
    ) -> "DecodingLexicon":
        """The lexicon with further words, as the dictionary or the letter-to-sound model says them.

        Raises
        ------
        ConfigError
            A word that cannot be pronounced (named), unless these are skipped with a warning.
        """
        known = set(self.words)
        further = [word for word in dict.fromkeys(words) if word not in known]
        if not further:
            return self
        source = lexicon or Lexicon.load()
        ids = {symbol: index for index, symbol in enumerate(self.symbols)}
        phones, lengths, counts, names, unsayable = [], [], [], [], []
        for word in further:
            try:
                found = _looked_up(word, source)
            except PronunciationError as error:
                if not skip_unsayable:
                    raise ConfigError(str(error)) from error
                unsayable.append(word)
                continue
            names.append(word)
            counts.append(len(found))
            for pronunciation in found:
                lengths.append(len(pronunciation))
                phones += [ids.setdefault(phone, len(ids)) for phone in pronunciation]
        if unsayable:
            shown = ", ".join(repr(word) for word in unsayable[:5]) + (" ..." if len(unsayable) > 5 else "")
            logger.warning("%d words have no pronunciation and are never recognised: %s", len(unsayable), shown)
        return DecodingLexicon(
            self.words + tuple(names),
            tuple(ids),
            np.append(self.phones, np.array(phones, np.uint8)),
            np.append(self.lengths, np.array(lengths, np.uint8)),
            np.append(self.counts, np.array(counts, np.uint8)),
        )

    def spelt(self, units: Units) -> Spellings:
        """Pronunciations in the units of a model's head, with stress or without; the same one twice counts once.

        Raises
        ------
        ConfigError
            A phone that the model does not have, or no word has a pronunciation.
        """
        if not len(self.lengths):
            raise ConfigError("no word of the language model has a pronunciation; is it one of another language?")
        table = np.zeros(len(self.symbols), np.int64)
        for index, symbol in enumerate(self.symbols):
            name = symbol if symbol in units.ids else symbol.rstrip("012")
            if name not in units.ids:
                raise ConfigError(f"the lexicon has the phone {symbol!r}, which the model's {units.kind}s lack")
            table[index] = units.ids[name]
        width = int(self.lengths.max(initial=0))
        padded = np.full((len(self.lengths), width), -1, np.int64)
        padded[np.arange(width) < self.lengths[:, None]] = table[self.phones]
        owners = np.repeat(np.arange(len(self.words)), self.counts)
        if len(set(table.tolist())) < len(table):  # phones that fall together may make pronunciations the same
            order = np.lexsort([*padded.T[::-1], owners])
            owners, padded = owners[order], padded[order]
            first = np.append(True, (np.diff(owners) != 0) | (np.diff(padded, axis=0) != 0).any(axis=1))
            owners, padded = owners[first], padded[first]
        return Spellings(self.words, padded, owners)


def _looked_up(word: str, lexicon: Lexicon) -> list[tuple[str, ...]]:
    """The usual pronunciations of a word.

    Raises
    ------
    PronunciationError
        It cannot be pronounced, or is longer than words are.
    """
    found = lexicon.pronunciations(word)[:MOST_PRONUNCIATIONS]
    longest = max(map(len, found), default=0)
    if longest > MOST_PHONES:
        raise PronunciationError(f'"{word[:20]}..." has {longest} phones; a word has at most {MOST_PHONES}')
    return found
