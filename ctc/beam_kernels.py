"""Prefix beam search, one frame after the other: the kernels.

A prefix is a node of a tree: its parent with one more label. A label is a token, and, where a word ends, the word. A
beam entry is a node with two masses, of the paths that end in the blank and of those that end in the node's token.
The language model, word bonuses and hot-words depend on the prefix only, so they multiply its mass when the node is
made, and every merge stays a sum.

Masses are probabilities in float64, divided by the best entry's each frame: a sum costs a tenth of what `log_add`
does. A prefix 1e-300 times as likely as the best is lost, which no beam would keep.

Two things save most of the work. An entry whose parent is in the beam receives its parent's extension directly, so
prefixes merge without hashing. And as soon as the beam is full, its worst value bounds what is worth computing:
entries and tokens are sorted, and whatever cannot reach the bound ends the loop.

Legend: **T** frames, **K** units, **W** beam size, **U** nodes of the spelling tree.
"""

import math
from typing import NamedTuple

import numpy as np

from ctc.compilation import jit_borrowing, jit_borrowing_cached, jit_borrowing_inside, jit_cached
from ctc.ngram import END_ID, score_word

# Columns of the nodes' integers and floats.
PARENT, TOKEN, WORD, CHILD, SIBLING, POSITION, TREE, STATE, HOT, FRAME = range(10)
LM, EXTRA, FACTOR = range(3)
NUM_INTS, NUM_FLOATS = 10, 3
# Columns of the candidates' integers; floats are as those of nodes.
SOURCE = 0
# What is searched: tokens alone, a model of tokens, words between boundaries (any, or a lexicon's), a lexicon's words.
PLAIN, TOKEN_MODEL, OPEN_WORDS, LEXICON_PARTED, LEXICON = range(5)
_CACHE = 1 << 12
_PAIRS, _FOURS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _SUM = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)


class Options(NamedTuple):
    """Settings of a search; `boundary` and `blank` are -1 where there is none."""

    mode: int
    blank: int
    boundary: int
    framewise: bool
    beam_size: int
    token_beam: int
    smallest: float
    lm_weight: float
    word_bonus: float
    unknown_score: float
    alternatives: int


class Tree(NamedTuple):
    """Spellings of words: children of node u are nodes ``begins[u]..begins[u + 1] - 1``, sorted by token.

    `potentials` [U + 1] in nats are of the best word below (of an unknown word at the end), 0 at the root; `inverse`
    is their exp(-x). The words spelt by node u are ``words[word_begins[u]:word_begins[u + 1]]``, with `word_costs` in
    nats; ``limits[i]`` bounds what the i-th of them can be worth in any context, as a factor (of unknown words, the
    last element). `word_ids` are their ids in the language model. With up to 64 tokens, bit k of ``masks[u]`` tells
    that a child has token k; with more, `masks` has another length than `tokens` and edges are searched.
    """

    begins: np.ndarray
    tokens: np.ndarray
    potentials: np.ndarray
    inverse: np.ndarray
    word_begins: np.ndarray
    words: np.ndarray
    word_costs: np.ndarray
    word_ids: np.ndarray
    masks: np.ndarray
    limits: np.ndarray


class HotWords(NamedTuple):
    """Automaton of Aho and Corasick (1975).

    Children are as in `Tree`; `fail` leads to the longest suffix; a state promises and awards nats. `best` is exp of
    the most that any label can gain from each state.

    With up to 64 tokens as labels the automaton is written out: ``targets[s, k]`` is the next state, and
    ``factors[s, k]`` exp of the gain. Bit k of ``masks[s]`` tells that it is not the root; tokens without the bit lead
    there, all with the same factor ``rest[s]``, at most 1. So hot-words cost a look at the few tokens with a bit. Where
    labels are words or many tokens, `masks` is of one element and edges are searched.
    """

    begins: np.ndarray
    tokens: np.ndarray
    fail: np.ndarray
    potentials: np.ndarray
    awards: np.ndarray
    best: np.ndarray
    masks: np.ndarray
    targets: np.ndarray
    factors: np.ndarray
    rest: np.ndarray


class Beam(NamedTuple):
    """State between frames: nodes and entries, best first.

    `counts` holds the number of entries, of nodes and of frames; `scale` the log of what masses were divided by.
    """

    ints: np.ndarray
    floats: np.ndarray
    entries: np.ndarray
    masses: np.ndarray
    counts: np.ndarray
    scale: np.ndarray


class Room(NamedTuple):
    """Scratch space of a search, made once for all its frames."""

    probabilities: np.ndarray
    totals: np.ndarray
    limits: np.ndarray
    places: np.ndarray
    hot_states: np.ndarray
    hot_masks: np.ndarray
    hot_factors: np.ndarray
    hot_limits: np.ndarray
    bits: np.ndarray
    last: np.ndarray
    stays: np.ndarray
    head: np.ndarray
    follow: np.ndarray
    values: np.ndarray
    ints: np.ndarray
    floats: np.ndarray
    select: np.ndarray
    spare: np.ndarray
    order: np.ndarray
    cache_keys: np.ndarray
    cache_scores: np.ndarray
    cache_states: np.ndarray
    alike: np.ndarray


def make_room(beam_size: int, num_units: int) -> Room:
    """Allocate scratch space; kernels themselves make no arrays."""
    capacity = 4 * beam_size + 64
    most = max(capacity + beam_size, num_units)
    return Room(
        np.empty(num_units),
        np.empty(beam_size),
        np.empty(beam_size),
        np.empty(beam_size, np.int32),
        np.empty(beam_size, np.int32),
        np.empty(beam_size, np.uint64),
        np.empty(beam_size),
        np.empty(beam_size),
        np.empty(num_units + 1, np.uint64),
        np.empty(beam_size, np.int32),
        np.empty((beam_size, 2)),
        np.empty(beam_size, np.int32),
        np.empty(beam_size, np.int32),
        np.empty(capacity),
        np.empty((capacity, NUM_INTS), np.int32),
        np.empty((capacity, NUM_FLOATS)),
        np.empty(most),
        np.empty(most),
        np.empty((2, most), np.int64),
        np.full(_CACHE, -1, np.int64),
        np.empty(_CACHE),
        np.empty(_CACHE, np.int64),
        np.empty((2, 1 << (2 * most - 1).bit_length()), np.int32),
    )


@jit_borrowing
def frame_probabilities(row, weights, y):
    """Write softmax of a frame [K] times weights; return whether it is sound."""
    top = -math.inf
    for k in range(len(row)):
        if not row[k] < math.inf:
            return False
        top = max(top, float(row[k]))
    if top == -math.inf:
        return False
    total = 0.0
    for k in range(len(row)):
        y[k] = math.exp(float(row[k]) - top)
        total += y[k]
    for k in range(len(row)):
        y[k] *= weights[k] / total
    return True


@jit_borrowing_inside
def find_edge(begins, tokens, node, token):
    """Child of a tree's node, or -1."""
    low, high = begins[node], begins[node + 1]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if tokens[middle] < token:
            low = middle + 1
        else:
            high = middle
    return low if low < end and tokens[low] == token else -1


@jit_borrowing_inside
def count_bits(x):
    """Bits that are set in a uint64, summed in parallel."""
    x = x - ((x >> np.uint64(1)) & _PAIRS)
    x = (x & _FOURS) + ((x >> np.uint64(2)) & _FOURS)
    x = (x + (x >> np.uint64(4))) & _BYTES
    return np.int64((x * _SUM) >> np.uint64(56))


@jit_borrowing_inside
def find_child(begins, tokens, masks, place, token):
    """Child of a node of the spelling tree, or -1."""
    if len(masks) != len(tokens):
        return find_edge(begins, tokens, place, token)
    mask, bit = masks[place], np.uint64(1) << np.uint64(token)
    if mask & bit == np.uint64(0):
        return np.int64(-1)
    return begins[place] + count_bits(mask & (bit - np.uint64(1)))


@jit_borrowing_inside
def hot_step(hot, state, label):
    """Return (next state, nats gained)."""
    if len(hot.tokens) == 1:
        return 0, 0.0
    if len(hot.masks) > 1:
        found = np.int64(hot.targets[state, label])
        return found, hot.potentials[found] + hot.awards[found] - hot.potentials[state]
    at = state
    found = find_edge(hot.begins, hot.tokens, at, label)
    while found < 0 and at != 0:
        at = hot.fail[at]
        found = find_edge(hot.begins, hot.tokens, at, label)
    if found < 0:
        found = 0
    return found, hot.potentials[found] + hot.awards[found] - hot.potentials[state]


@jit_borrowing_inside
def cached_score(lm, room, state, word):
    """`score_word`, remembering some answers."""
    key = np.int64(state) * np.int64(1 << 32) + np.int64(word)
    slot = (np.int64(state) * 7919 + np.int64(word)) & (_CACHE - 1)
    if room.cache_keys[slot] != key:
        score, following = score_word(lm, state, word)
        room.cache_keys[slot], room.cache_scores[slot], room.cache_states[slot] = key, score, following
    return room.cache_scores[slot], room.cache_states[slot]


@jit_borrowing_inside
def word_score(options, lm, room, state, word):
    """Return (log10 score of a word, next state); unknown words are punished further."""
    if options.lm_weight == 0.0:
        return 0.0, np.int64(0)
    score, following = cached_score(lm, room, state, max(word, 0))
    return (score + options.unknown_score if word <= 0 else score), following


@jit_borrowing_inside
def join(a, b, viterbi):
    """Masses of two sets of paths together."""
    return max(a, b) if viterbi else a + b


@jit_borrowing_inside
def stay(options, tree, beam, room, y):
    """Masses of the prefixes that stay as they are; return the value that a candidate must beat."""
    count = beam.counts[0]
    blank = y[options.blank] if options.blank >= 0 else 0.0
    for i in range(count):
        node = beam.entries[i]
        total = join(beam.masses[i, 0], beam.masses[i, 1], options.framewise)
        room.totals[i] = total
        token = beam.ints[node, TOKEN]
        room.last[i] = token
        silent = not options.framewise or options.mode < LEXICON_PARTED or beam.ints[node, TREE] == 0
        room.stays[i, 0] = total * blank if silent else 0.0
        room.stays[i, 1] = beam.masses[i, 1] * y[token] if token >= 0 else 0.0
        room.head[i] = -1
    worst, best = math.inf, 0.0
    for i in range(count):
        node = beam.entries[i]
        parent = beam.ints[node, PARENT]
        j = beam.ints[parent, POSITION] if parent >= 0 else -1
        if j >= 0:
            token = room.last[i]
            mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
            arriving = mass * y[token] * beam.floats[node, FACTOR]
            room.stays[i, 1] = join(room.stays[i, 1], arriving, options.framewise)
            room.follow[i] = room.head[j]
            room.head[j] = i
        value = join(room.stays[i, 0], room.stays[i, 1], options.framewise)
        worst, best = min(worst, value), max(best, value)
    least = best * options.smallest
    return max(worst, least) if count == options.beam_size else least


@jit_borrowing_inside
def is_active(beam, room, j, token, word):
    """Whether the extension of entry j by a label is an entry itself."""
    i = room.head[j]
    while i >= 0:
        if room.last[i] == token and beam.ints[beam.entries[i], WORD] == word:
            return True
        i = room.follow[i]
    return False


@jit_borrowing
def select_largest(buffer, count, rank):
    """Value of the given rank, 0 the largest, of buffer[:count], which is reordered (Hoare's quickselect)."""
    low, high = 0, count - 1
    while low < high:
        a, b, c = buffer[low], buffer[(low + high) >> 1], buffer[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while buffer[i] > pivot:
                i += 1
            while buffer[j] < pivot:
                j -= 1
            if i <= j:
                buffer[i], buffer[j] = buffer[j], buffer[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return buffer[rank]


@jit_borrowing
def reduce_candidates(options, beam, room, number, least):
    """Leave candidates that, with the stays, are among the W best; return (their number, the value to beat)."""
    count, size = beam.counts[0], options.beam_size
    if count + number < size or number == 0:
        return number, least
    for i in range(count):
        room.select[i] = join(room.stays[i, 0], room.stays[i, 1], options.framewise)
    for i in range(number):
        room.select[count + i] = room.values[i]
    least = max(least, select_largest(room.select, count + number, size - 1))
    above, equal_stays = 0, 0
    for i in range(count):
        value = join(room.stays[i, 0], room.stays[i, 1], options.framewise)
        above += value > least
        equal_stays += value == least
    for i in range(number):
        above += room.values[i] > least
    quota = size - above - equal_stays
    kept = 0
    for i in range(number):
        value = room.values[i]
        if value < least or (value == least and quota <= 0):
            continue
        quota -= value == least
        if kept != i:
            room.values[kept] = value
            for c in range(NUM_INTS):
                room.ints[kept, c] = room.ints[i, c]
            for c in range(NUM_FLOATS):
                room.floats[kept, c] = room.floats[i, c]
        kept += 1
    return kept, least


@jit_borrowing_inside
def push(options, beam, room, number, least, mass, j, token, word, place, state, lm_score, extra, factor):
    """Append a candidate if it beats `least`; return (number of candidates, least)."""
    value = mass * factor
    if value <= least:
        return number, least
    if number == len(room.values):
        number, least = reduce_candidates(options, beam, room, number, least)
        if value <= least:
            return number, least
    room.values[number] = value
    ints = room.ints
    ints[number, SOURCE], ints[number, TOKEN], ints[number, WORD] = j, token, word
    ints[number, TREE], ints[number, STATE], ints[number, HOT] = place, state[0], state[1]
    room.floats[number, LM], room.floats[number, EXTRA], room.floats[number, FACTOR] = lm_score, extra, factor
    return number + 1, least


@jit_borrowing_inside
def extend_by_token(options, lm, tree, hot, beam, room, number, least, mass, j, token, hot_factor):
    """Consider entry j with a token that ends no word, of mass `mass` but for models and hot-words."""
    place, factor = np.int64(room.places[j]), 1.0
    if options.mode == OPEN_WORDS:
        place, factor = step_factor(tree.begins, tree.tokens, tree.masks, tree.inverse, place, token)
        if mass * factor * hot_factor <= least:
            return number, least
    if is_active(beam, room, j, token, -1):
        return number, least
    lm_score, extra, state = 0.0, 0.0, np.int64(0)
    if options.mode != PLAIN:
        state = np.int64(beam.ints[beam.entries[j], STATE])
    hot_state = np.int64(0)
    if len(hot.tokens) > 1:
        hot_state, extra = hot_step(hot, np.int64(room.hot_states[j]), token)
        if len(hot.masks) == 1:
            hot_factor = 1.0 if extra == 0.0 else math.exp(extra)
    if options.mode == TOKEN_MODEL:
        lm_score, state = word_score(options, lm, room, state, tree.word_ids[token])
        extra += options.word_bonus
        factor = math.exp(options.lm_weight * lm_score + options.word_bonus)
    return push(
        options, beam, room, number, least, mass, j, token, -1, place, (state, hot_state), lm_score, extra,
        factor * hot_factor,
    )  # fmt: skip


@jit_borrowing_inside
def extend_by_word(options, lm, tree, hot, beam, room, number, least, mass, j, token, entry):
    """Consider entry j with a token that ends a word: `entry` of the tree's words, -1 for an unknown one."""
    node = beam.entries[j]
    place, state = beam.ints[node, TREE], beam.ints[node, STATE]
    word, word_id, cost = -1, 0, 0.0
    if entry >= 0:
        word, cost = tree.words[entry], tree.word_costs[entry]
        word_id = tree.word_ids[word]
    lm_score, following = word_score(options, lm, room, state, word_id)
    extra = options.word_bonus + cost
    label = token if options.mode == OPEN_WORDS else word
    hot_state, gain = hot_step(hot, beam.ints[node, HOT], label)
    extra += gain
    factor = math.exp(options.lm_weight * lm_score + extra - tree.potentials[place])
    shown = -1 if options.mode == OPEN_WORDS else word
    return push(
        options, beam, room, number, least, mass, j, token, shown, 0, (following, hot_state), lm_score, extra, factor
    )


@jit_borrowing_inside
def step_factor(begins, tokens, masks, inverse, place, token):
    """Return (node after a token, factor of masses by the change of potentials); unknown words have the last node."""
    unknown = len(tokens)
    if place == unknown:
        return place, 1.0
    following = find_child(begins, tokens, masks, place, token)
    if following < 0:
        following = unknown
    return following, inverse[place] / inverse[following]


@jit_borrowing_inside
def gather(hot, beam, room):
    """Bring together what each entry needs; return the most that any can give, without a hot-word ahead and with."""
    limit, hot_limit = 0.0, 0.0
    for j in range(beam.counts[0] - 1, -1, -1):
        node = beam.entries[j]
        state = beam.ints[node, HOT]
        room.places[j], room.hot_states[j] = beam.ints[node, TREE], state
        if len(hot.masks) > 1:
            room.hot_masks[j], room.hot_factors[j] = hot.masks[state], hot.rest[state]
            room.hot_limits[j] = room.totals[j] * hot.best[state]
            hot_limit = max(hot_limit, room.hot_limits[j])
        else:
            room.hot_masks[j], room.hot_factors[j] = np.uint64(0), hot.best[state]
        limit = max(limit, room.totals[j] * room.hot_factors[j])
        room.limits[j] = limit  # what this entry and those after it can give at most
    return limit, hot_limit


@jit_borrowing_inside
def extend_hot(options, lm, tree, hot, beam, room, y, bonus, chosen, number, least):
    """All entries with those of the `chosen` likeliest tokens that go on with a hot-word.

    They come after all others, when the value to beat is known nearly.
    """
    order, bits = room.order[0], room.bits
    bits[0] = np.uint64(0)
    for k in range(chosen):
        bits[k + 1] = bits[k] | np.uint64(1) << np.uint64(order[k])
    for j in range(beam.counts[0]):
        limit, likely = room.hot_limits[j] * bonus, 0
        while likely < chosen and limit * y[order[likely]] > least:
            likely += 1
        if likely == 0:
            continue
        state = room.hot_states[j]
        rest = room.hot_masks[j] & bits[likely]
        while rest:
            token = count_bits((rest - np.uint64(1)) & ~rest)  # the lowest bit
            rest &= rest - np.uint64(1)
            mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
            mass *= y[token]
            factor = hot.factors[state, token]
            if mass * bonus * factor > least:
                number, least = extend_by_token(
                    options, lm, tree, hot, beam, room, number, least, mass, j, token, factor
                )
        if number >= 2 * options.beam_size:
            number, least = reduce_candidates(options, beam, room, number, least)
    return number, least


@jit_borrowing_inside
def extend_tokens(options, lm, tree, hot, beam, room, y, least):
    """All entries with all tokens but the boundary of words; return (number of candidates, least)."""
    chosen, number = 0, 0
    written_out = len(hot.masks) > 1
    order, weighted = room.order, room.select  # both free until candidates are reduced
    bonus = math.exp(max(options.word_bonus, 0.0)) if options.mode == TOKEN_MODEL else 1.0
    limit, hot_limit = gather(hot, beam, room)
    most = max(limit, hot_limit)
    for token in range(len(y)):
        if token == options.blank or (token == options.boundary and options.mode == OPEN_WORDS):
            continue
        bound = y[token] * bonus
        if bound * most > least:
            order[0, chosen], weighted[chosen] = token, bound
            chosen += 1
    sort_descending(weighted, order, room.spare, chosen)
    chosen = min(chosen, options.token_beam)
    for k in range(chosen):
        token = order[0, k]
        bound = y[token] * bonus
        if bound * limit <= least:
            break
        for j in range(beam.counts[0]):
            if room.limits[j] * bound <= least:
                break
            mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
            if mass * bound * room.hot_factors[j] <= least or (
                written_out and (room.hot_masks[j] >> np.uint64(token)) & np.uint64(1)
            ):
                continue
            number, least = extend_by_token(
                options, lm, tree, hot, beam, room, number, least, mass * y[token], j, token, room.hot_factors[j]
            )
        if number >= options.beam_size:
            number, least = reduce_candidates(options, beam, room, number, least)
    if written_out:
        number, least = extend_hot(options, lm, tree, hot, beam, room, y, bonus, chosen, number, least)
    return number, least


@jit_borrowing_inside
def extend_boundary(options, lm, tree, hot, beam, room, y, number, least):
    """All entries with the boundary token, where words end."""
    token = options.boundary
    ending = math.exp(max(options.word_bonus, 0.0))
    for j in range(beam.counts[0]):
        place = beam.ints[beam.entries[j], TREE]
        state = beam.ints[beam.entries[j], HOT]
        hot_bound = hot.factors[state, token] if len(hot.masks) > 1 else hot.best[state]
        mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
        mass *= y[token]
        if place == 0:  # nothing between two boundaries
            if mass * hot_bound > least and not is_active(beam, room, j, token, -1):
                number, least = extend_empty(options, hot, beam, room, number, least, mass, j)
            continue
        most = mass * hot_bound * ending * tree.inverse[place]
        if most <= least:
            continue
        first, last = -1, 0
        if place < len(tree.tokens) and tree.word_begins[place] < tree.word_begins[place + 1]:
            first, last = tree.word_begins[place], tree.word_begins[place + 1]
            if options.mode == OPEN_WORDS:
                last = first + 1
        elif options.mode == LEXICON_PARTED:
            continue
        for entry in range(first, last):
            if most * tree.limits[entry] <= least:
                continue
            word = tree.words[entry] if options.mode == LEXICON_PARTED else -1
            if not is_active(beam, room, j, token, word):
                number, least = extend_by_word(options, lm, tree, hot, beam, room, number, least, mass, j, token, entry)
    return number, least


@jit_borrowing_inside
def extend_empty(options, hot, beam, room, number, least, mass, j):
    """Consider a boundary where no word has begun."""
    node = beam.entries[j]
    hot_state, gain = beam.ints[node, HOT], 0.0
    if options.mode == OPEN_WORDS:
        hot_state, gain = hot_step(hot, hot_state, options.boundary)
    state = (np.int64(beam.ints[node, STATE]), hot_state)
    return push(options, beam, room, number, least, mass, j, options.boundary, -1, 0, state, 0.0, gain, math.exp(gain))


@jit_borrowing_inside
def extend_tree(options, lm, tree, hot, beam, room, y, least):
    """All entries along the edges of the lexicon."""
    number = 0
    bonus = math.exp(max(options.word_bonus, 0.0))
    for j in range(beam.counts[0]):
        node = beam.entries[j]
        place = beam.ints[node, TREE]
        ending = bonus * hot.best[beam.ints[node, HOT]]
        state = (np.int64(beam.ints[node, STATE]), beam.ints[node, HOT])
        for following in range(tree.begins[place], tree.begins[place + 1]):
            token = tree.tokens[following]
            mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
            mass *= y[token]
            most = mass * ending * tree.inverse[place]
            if most <= least:
                continue
            goes_on = options.mode == LEXICON_PARTED or tree.begins[following] < tree.begins[following + 1]
            if goes_on and mass > least and not is_active(beam, room, j, token, -1):
                factor = math.exp(tree.potentials[following] - tree.potentials[place])
                number, least = push(
                    options, beam, room, number, least, mass, j, token, -1, following, state, 0.0, 0.0, factor
                )
            if options.mode == LEXICON:
                for entry in range(tree.word_begins[following], tree.word_begins[following + 1]):
                    if most * tree.limits[entry] > least and not is_active(beam, room, j, token, tree.words[entry]):
                        number, least = extend_by_word(
                            options, lm, tree, hot, beam, room, number, least, mass, j, token, entry
                        )
    return number, least


@jit_borrowing
def sort_descending(values, order, spare, count):
    """Sort values[:count] with order[0, :count]; equal ones keep their order (merge sort of runs of 16)."""
    for low in range(0, count, 16):
        for i in range(low + 1, min(low + 16, count)):
            value, item = values[i], order[0, i]
            j = i
            while j > low and values[j - 1] < value:
                values[j], order[0, j] = values[j - 1], order[0, j - 1]
                j -= 1
            values[j], order[0, j] = value, item
    width = 16
    while width < count:
        for low in range(0, count, 2 * width):
            middle, high = min(low + width, count), min(low + 2 * width, count)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (j >= high or values[i] >= values[j]):
                    spare[k], order[1, k] = values[i], order[0, i]
                    i += 1
                else:
                    spare[k], order[1, k] = values[j], order[0, j]
                    j += 1
        for k in range(count):
            values[k], order[0, k] = spare[k], order[1, k]
        width *= 2


@jit_borrowing_inside
def find_or_make(beam, room, at, frame):
    """Node of a candidate; found if the prefix was in the beam before."""
    parent = beam.entries[room.ints[at, SOURCE]]
    token, word = room.ints[at, TOKEN], room.ints[at, WORD]
    node = beam.ints[parent, CHILD]
    while node >= 0:
        if beam.ints[node, TOKEN] == token and beam.ints[node, WORD] == word:
            return node
        node = beam.ints[node, SIBLING]
    node = np.int32(beam.counts[1])
    beam.counts[1] += 1
    for c in range(NUM_INTS):
        beam.ints[node, c] = room.ints[at, c]
    beam.ints[node, PARENT], beam.ints[node, CHILD] = parent, -1
    beam.ints[node, SIBLING], beam.ints[node, POSITION] = beam.ints[parent, CHILD], -1
    beam.ints[node, FRAME] = frame
    beam.ints[parent, CHILD] = node
    beam.floats[node, LM] = beam.floats[parent, LM] + room.floats[at, LM]
    beam.floats[node, EXTRA] = beam.floats[parent, EXTRA] + room.floats[at, EXTRA]
    beam.floats[node, FACTOR] = room.floats[at, FACTOR]
    return node


@jit_borrowing_inside
def attributes(beam, room, count, item):
    """What decides an item's future: its place in the tree, the states of the models, and its last token."""
    if item < count:
        node = beam.entries[item]
        ints = beam.ints
        return ints[node, TREE], ints[node, STATE], ints[node, HOT], ints[node, TOKEN]
    ints, at = room.ints, item - count
    return ints[at, TREE], ints[at, STATE], ints[at, HOT], ints[at, TOKEN]


@jit_borrowing_inside
def thin_out(options, beam, room, count, total):
    """Of the items in order that have the same future, leave the first few; return how many are left."""
    items, numbers = room.alike[0], room.alike[1]
    mask = np.int64(len(items) - 1)
    items[:] = -1
    kept = 0
    for i in range(total):
        item = room.order[0, i]
        own = attributes(beam, room, count, item)
        slot = (
            np.int64(own[0]) * 92821 + np.int64(own[1]) * 689287499 + np.int64(own[2]) * 31 + np.int64(own[3]) * 7919
        ) & mask
        while items[slot] >= 0:
            other = attributes(beam, room, count, np.int64(items[slot]))
            if own[0] == other[0] and own[1] == other[1] and own[2] == other[2] and own[3] == other[3]:
                break
            slot = (slot + 1) & mask
        if items[slot] < 0:
            items[slot], numbers[slot] = item, 0
        numbers[slot] += 1
        if numbers[slot] <= options.alternatives:
            room.select[kept], room.order[0, kept] = room.select[i], item
            kept += 1
    return kept


@jit_borrowing_inside
def survive(options, beam, room, number, least):
    """Make the W best of stays and candidates the beam."""
    count, total = beam.counts[0], 0
    for i in range(count):
        value = join(room.stays[i, 0], room.stays[i, 1], options.framewise)
        if value > 0.0 and value >= least:
            room.select[total], room.order[0, total] = value, i
            total += 1
    for i in range(number):
        room.select[total], room.order[0, total] = room.values[i], count + i
        total += 1
    sort_descending(room.select, room.order, room.spare, total)
    if options.alternatives:
        total = thin_out(options, beam, room, count, total)
    total = min(total, options.beam_size)
    while total > 1 and room.select[total - 1] < room.select[0] * options.smallest:
        total -= 1
    if total == 0:
        return False
    frame = beam.counts[2]
    nodes = room.order[1]
    for i in range(total):
        item = room.order[0, i]
        nodes[i] = beam.entries[item] if item < count else find_or_make(beam, room, item - count, frame)
    for i in range(count):
        beam.ints[beam.entries[i], POSITION] = -1
    best = room.select[0]
    for i in range(total):
        item = room.order[0, i]
        beam.entries[i] = nodes[i]
        beam.ints[nodes[i], POSITION] = i
        if item < count:
            beam.masses[i, 0], beam.masses[i, 1] = room.stays[item, 0] / best, room.stays[item, 1] / best
        else:
            beam.masses[i, 0], beam.masses[i, 1] = 0.0, room.select[i] / best
    beam.counts[0] = total
    beam.scale[0] += math.log(best)
    return True


@jit_borrowing_cached
def advance(scores, start, weights, options, lm, tree, hot, beam, room):
    """Search frames scores[start:] [T, K]; return (frame reached, status).

    Status 0 is well, 1 out of nodes, 2 bad scores, 3 nothing survives.
    """
    y = room.probabilities
    for t in range(start, scores.shape[0]):
        if beam.counts[1] + options.beam_size > len(beam.ints):
            return t, 1
        if not frame_probabilities(scores[t], weights, y):
            return t, 2
        least = stay(options, tree, beam, room, y)
        if options.mode >= LEXICON_PARTED:
            number, least = extend_tree(options, lm, tree, hot, beam, room, y, least)
        else:
            number, least = extend_tokens(options, lm, tree, hot, beam, room, y, least)
        if options.mode == OPEN_WORDS or options.mode == LEXICON_PARTED:
            number, least = extend_boundary(options, lm, tree, hot, beam, room, y, number, least)
        number, least = reduce_candidates(options, beam, room, number, least)
        if not survive(options, beam, room, number, least):
            return t, 3
        beam.counts[2] += 1
    return scores.shape[0], 0


@jit_cached
def compact(beam):
    """Drop nodes from which no entry descends."""
    num_nodes = beam.counts[1]
    keep = np.zeros(num_nodes, np.bool_)
    for i in range(beam.counts[0]):
        node = beam.entries[i]
        while node >= 0 and not keep[node]:
            keep[node] = True
            node = beam.ints[node, PARENT]
    number = np.full(num_nodes, -1, np.int32)
    total = 0
    for node in range(num_nodes):
        if keep[node]:
            number[node] = total
            beam.ints[total] = beam.ints[node]
            beam.floats[total] = beam.floats[node]
            beam.ints[total, CHILD], beam.ints[total, SIBLING] = -1, -1
            parent = beam.ints[total, PARENT]
            if parent >= 0:
                parent = number[parent]
                beam.ints[total, PARENT], beam.ints[total, SIBLING] = parent, beam.ints[parent, CHILD]
                beam.ints[parent, CHILD] = total
            total += 1
    for i in range(beam.counts[0]):
        beam.entries[i] = number[beam.entries[i]]
    beam.counts[1] = total


@jit_borrowing_cached
def finish(options, lm, tree, hot, beam, room, ended, results, words):
    """Write log mass, LM and extra scores of each entry at an end [W, 3], and the word that ends there [W].

    The word is -1 if none ends there, and -2 in the midst of a word.
    """
    unknown = len(tree.tokens)
    for i in range(beam.counts[0]):
        node = beam.entries[i]
        place, state = beam.ints[node, TREE], np.int64(beam.ints[node, STATE])
        hot_state = beam.ints[node, HOT]
        lm_score, extra = beam.floats[node, LM], beam.floats[node, EXTRA]
        mass = join(beam.masses[i, 0], beam.masses[i, 1], options.framewise)
        acoustic = math.log(mass) + beam.scale[0] - options.lm_weight * lm_score - extra - tree.potentials[place]
        words[i] = -1
        if place != 0:
            best, entry = -math.inf, -1
            if place < unknown and options.mode != LEXICON:  # there, the complete word is another entry
                for k in range(tree.word_begins[place], tree.word_begins[place + 1]):
                    score, _ = word_score(options, lm, room, state, tree.word_ids[tree.words[k]])
                    if options.lm_weight * score + tree.word_costs[k] > best:
                        best, entry = options.lm_weight * score + tree.word_costs[k], k
            if entry >= 0 or options.mode == OPEN_WORDS:
                word_id = tree.word_ids[tree.words[entry]] if entry >= 0 else 0
                score, state = word_score(options, lm, room, state, word_id)
                lm_score += score
                extra += options.word_bonus + (tree.word_costs[entry] if entry >= 0 else 0.0)
                if options.mode >= LEXICON_PARTED:
                    words[i] = tree.words[entry]
                    hot_state, gain = hot_step(hot, hot_state, words[i])
                    extra += gain
            else:
                words[i] = -2
        if options.mode <= OPEN_WORDS and options.boundary >= 0 and beam.ints[node, TOKEN] != options.boundary:
            hot_state, gain = hot_step(hot, hot_state, options.boundary)
            extra += gain
        extra -= hot.potentials[hot_state]
        if ended and options.mode != PLAIN and options.lm_weight != 0.0:
            score, _ = score_word(lm, state, END_ID)
            lm_score += score
        results[i, 0], results[i, 1], results[i, 2] = acoustic, lm_score, extra
