"""Words cut into pieces, so that a small model can predict any of them.

Pieces are found by merging the most frequent neighbours, from letters on (Sennrich, Haddow & Birch, ACL 2016); a word
is cut greedily, the longest piece first. The first piece of a word begins with "_".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from speech.step_log import StepLog

WORD_START = "_"
END_ID = 0
UNKNOWN_ID = 1
NUM_SPECIAL = 2


class WordPieces:
    """Sentences to ids and nothing else.

    Parameters
    ----------
    pieces : sequence of str
        Their ids begin at 2: 0 begins and ends a sentence, 1 is a character that no piece holds.

    Examples
    --------
    >>> pieces = WordPieces(["_c", "a", "t", "_cat", "s"])
    >>> pieces.encode("cats cé")
    [5, 6, 2, 1]
    """

    def __init__(self, pieces: Sequence[str]):
        self.pieces = tuple(pieces)
        self._ids = {piece: index for index, piece in enumerate(self.pieces, NUM_SPECIAL)}
        self._words: dict[str, list[int]] = {}

    def __len__(self) -> int:
        """Number of ids, the special ones included."""
        return len(self.pieces) + NUM_SPECIAL

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.pieces), default=1)

    def encode(self, sentence: str) -> list[int]:
        """Ids of a sentence, without beginning and end."""
        return [piece for word in sentence.split() for piece in self.encode_word(word)]

    def encode_word(self, word: str) -> list[int]:
        """Ids of a word; what was found is kept, as words come again."""
        found = self._words.get(word)
        if found is None:
            found = self._words[word] = self._cut(WORD_START + word)
        return found

    def _cut(self, text: str) -> list[int]:
        ids, start = [], 0
        while start < len(text):
            ends = range(min(len(text), start + self._longest), start, -1)
            end = next((end for end in ends if text[start:end] in self._ids), start + 1)
            if text[start:end] != WORD_START or end == len(text):
                ids.append(self._ids.get(text[start:end], UNKNOWN_ID))
            start = end
        return ids


def learn_pieces(counts: Mapping[str, int], size: int) -> list[str]:
    """Pieces of the words of a text.

    Parameters
    ----------
    counts : mapping of words to how often they occur
    size : pieces to find; more if there are more letters, which all are pieces, fewer if every word is one before

    Returns
    -------
    list of str : letters in alphabetical order, then pieces in the order of merging
    """
    words = [[WORD_START + word[0], *word[1:]] for word in counts if word]
    weights = [count for word, count in counts.items() if word]
    pairs: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:], strict=False):
            pairs[pair] += weights[index]
            where[pair].add(index)
    pieces = sorted({piece for word in words for piece in word})
    found = StepLog(len(pieces), size, "piece")
    while len(pieces) < size and pairs:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        pieces.append("".join(best))
        found.tell(len(pieces))
        for index in where.pop(best):
            for pair in zip(words[index], words[index][1:], strict=False):
                pairs[pair] -= weights[index]
                if pairs[pair] <= 0:
                    del pairs[pair]
                where[pair].discard(index)
            words[index] = _merged(words[index], best)
            for pair in zip(words[index], words[index][1:], strict=False):
                pairs[pair] += weights[index]
                where[pair].add(index)
    return pieces


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    """A word with each occurrence of a pair as one piece, from the left."""
    found: list[str] = []
    for piece in word:
        if found and (found[-1], piece) == pair:
            found[-1] += piece
        else:
            found.append(piece)
    return found


def count_words(lines: Iterable[str]) -> Counter[str]:
    """How often each word occurs."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.split())
    return counts
