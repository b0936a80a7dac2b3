"""Modified Kneser-Ney by dictionaries, straight from the formulas, and a back-off query by string lookup."""

import math
from collections import Counter, defaultdict


def estimate(sentences, order, prune=None, fallback=(0.5, 1.0, 1.5)):
    """Probabilities {n-gram: p} and back-off weights {context: gamma} of lists of words."""
    prune = prune or [0] * order
    raw = Counter()
    for words in sentences:
        padded = ["<s>", *words, "</s>"]
        for end in range(1, len(padded)):
            for n in range(1, min(order, end + 1) + 1):
                raw[tuple(padded[end - n + 1 : end + 1])] += 1
    before = defaultdict(set)
    for gram in raw:
        if len(gram) > 1:
            before[gram[1:]].add(gram[0])
    adjusted = {g: c if len(g) == order or g[0] == "<s>" else len(before[g]) for g, c in raw.items()}
    vocabulary = sorted({w for words in sentences for w in words if raw[(w,)] > prune[0]}) + ["<unk>", "</s>"]
    kept = {
        g
        for g, c in raw.items()
        if all(w in vocabulary or w == "<s>" for w in g) and (c > prune[len(g) - 1] or g == ("</s>",))
    }
    probs, gammas = {}, {}
    for n in range(1, order + 1):
        level = {g: a for g, a in adjusted.items() if len(g) == n}
        discounts = discount(level.values(), fallback)
        for context in {g[:-1] for g in level}:
            row = {g: a for g, a in level.items() if g[:-1] == context}
            total = sum(row.values())
            gamma = sum(discounts[min(a, 3)] if g in kept else a for g, a in row.items()) / total
            gammas[context] = gamma
            for g, a in row.items():
                if g in kept:
                    probs[g] = (a - discounts[min(a, 3)]) / total
        if n == 1:
            for word in vocabulary:
                probs[(word,)] = probs.get((word,), 0.0) + gammas[()] / len(vocabulary)
        else:
            for g in [g for g in probs if len(g) == n]:
                probs[g] += gammas[g[:-1]] * probs[g[1:]]
    return probs, gammas, vocabulary


def discount(counts, fallback):
    """D of 0, 1, 2, 3+."""
    t = Counter(counts)
    if all(t[k] for k in (1, 2, 3, 4)):
        y = t[1] / (t[1] + 2 * t[2])
        found = [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
        if all(0 <= d <= k for k, d in enumerate(found, 1)):
            return [0.0, *found]
    return [0.0, *fallback]


def query(probs, gammas, context, word):
    """log10 of p(word | context) by recursion."""
    gram = (*context, word)
    if gram in probs:
        return math.log10(probs[gram])
    return math.log10(gammas.get(tuple(context), 1.0)) + query(probs, gammas, context[1:], word)
