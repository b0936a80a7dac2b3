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
from collections.abc import Callable

import numpy as np

from ctc import beam_merges, beam_state, beam_survival, ngram
from ctc.beam_state import (
    CACHE,
    EXTRA,
    FACTOR,
    HOT,
    LEXICON,
    LEXICON_PARTED,
    LM,
    OPEN_WORDS,
    PARENT,
    PLAIN,
    POSITION,
    SOURCE,
    STATE,
    TOKEN,
    TOKEN_MODEL,
    TREE,
    WORD,
)
from ctc.beam_survival import join, reduce_candidates, sort_descending, survive
from ctc.compilation import jit_borrowing, jit_borrowing_cached, jit_borrowing_inside, sources_fingerprint
from ctc.ngram import END_ID, score_word

_PAIRS, _FOURS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _SUM = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)


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
    if token >= 64:  # no node has it, or there were no masks
        return np.int64(-1)
    mask, bit = masks[place], np.uint64(1) << np.uint64(token)
    if mask & bit == np.uint64(0):
        return np.int64(-1)
    return begins[place] + count_bits(mask & (bit - np.uint64(1)))


@jit_borrowing_inside
def hot_step(hot, state, label):
    """Return (next state, nats gained)."""
    if len(hot.tokens) == 1:
        return 0, 0.0
    if len(hot.targets) > 1:
        found = np.int64(hot.targets[state, label])
        return found, hot.potentials[found] + hot.awards[found] - hot.potentials[state]
    at, found = np.int64(state), np.int64(-1)
    while found < 0 and at != 0:
        found = find_edge(hot.begins, hot.tokens, at, label)
        at = hot.fail[at]
    if found < 0:
        found = hot.roots[label] if len(hot.roots) > 1 else max(find_edge(hot.begins, hot.tokens, 0, label), 0)
    return found, hot.potentials[found] + hot.awards[found] - hot.potentials[state]


@jit_borrowing_inside
def cached_score(lm, room, state, word):
    """`score_word`, remembering some answers."""
    key = np.int64(state) * np.int64(1 << 32) + np.int64(word)
    slot = (np.int64(state) * 7919 + np.int64(word)) & (CACHE - 1)
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
        if len(hot.targets) == 1:
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
    """Bring together what each entry needs; return the most that any can give."""
    limit = 0.0
    for j in range(beam.counts[0] - 1, -1, -1):
        node = beam.entries[j]
        state = beam.ints[node, HOT]
        room.places[j], room.hot_states[j] = beam.ints[node, TREE], state
        room.hot_factors[j] = hot.most[state]
        limit = max(limit, room.totals[j] * room.hot_factors[j])
        room.limits[j] = limit  # what this entry and those after it can give at most
    return limit


@jit_borrowing_inside
def extend_tokens(options, lm, tree, hot, beam, room, y, least):
    """All entries with all tokens but the boundary of words; return (number of candidates, least)."""
    chosen, number, enough = 0, 0, options.beam_size
    written_out, by_token = len(hot.targets) > 1, len(hot.gains) > 1
    order, weighted = room.order, room.select  # both free until candidates are reduced
    bonus = math.exp(max(options.word_bonus, 0.0)) if options.mode == TOKEN_MODEL else 1.0
    limit = gather(hot, beam, room)
    for token in range(len(y)):
        if token == options.blank or (token == options.boundary and options.mode == OPEN_WORDS):
            continue
        bound = y[token] * bonus
        most = min(limit, room.totals[0] * hot.gains[token]) if by_token else limit
        if bound * most > least:
            order[0, chosen], weighted[chosen] = token, bound
            chosen += 1
    sort_descending(weighted, order, room.spare, chosen)
    for k in range(min(chosen, options.token_beam)):
        token = order[0, k]
        bound = y[token] * bonus
        if bound * limit <= least:
            break
        column, gain = np.uint64(token), hot.gains[token] if by_token else math.inf
        for j in range(beam.counts[0]):
            if room.limits[j] * bound <= least or room.totals[j] * bound * gain <= least:
                break
            factor = hot.factors[np.uint64(room.hot_states[j]), column] if written_out else room.hot_factors[j]
            if room.totals[j] * bound * factor <= least:
                continue
            mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
            if mass * bound * factor > least:
                number, least = extend_by_token(
                    options, lm, tree, hot, beam, room, number, least, mass * y[token], j, token, factor
                )
        if number >= enough:
            number, least = reduce_candidates(options, beam, room, number, least)
            enough = max(options.beam_size, number + 1 + options.beam_size // 8)  # a few more change the bound little
    return number, least


@jit_borrowing_inside
def extend_boundary(options, lm, tree, hot, beam, room, y, number, least):
    """All entries with the boundary token, where words end."""
    token = options.boundary
    ending = math.exp(max(options.word_bonus, 0.0))
    by_word = options.mode == LEXICON_PARTED
    for j in range(beam.counts[0]):
        place = beam.ints[beam.entries[j], TREE]
        state = beam.ints[beam.entries[j], HOT]
        if by_word:  # what hot words gain is part of the limits
            hot_bound = 1.0
        else:
            hot_bound = hot.factors[state, token] if len(hot.targets) > 1 else hot.best[state]
        mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
        mass *= y[token]
        if place == 0:  # nothing between two boundaries
            if mass * hot_bound > least and not is_active(beam, room, j, token, -1):
                number, least = extend_empty(options, hot, beam, room, number, least, mass, j)
            continue
        most = mass * hot_bound * ending * tree.inverse[place]
        if most <= least and not (by_word and may_rise(hot, place, most, least)):
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
def may_rise(hot, place, most, least):
    """Whether a hot word that a node of the tree spells may lift `most` above `least`."""
    return len(hot.rises) > 1 and place < len(hot.rises) and most * hot.rises[place] > least


@jit_borrowing_inside
def extend_tree(options, lm, tree, hot, beam, room, y, least):
    """All entries along the edges of the lexicon."""
    number = 0
    bonus = math.exp(max(options.word_bonus, 0.0))
    for j in range(beam.counts[0]):
        node = beam.entries[j]
        place = beam.ints[node, TREE]
        state = (np.int64(beam.ints[node, STATE]), beam.ints[node, HOT])
        for following in range(tree.begins[place], tree.begins[place + 1]):
            token = tree.tokens[following]
            mass = beam.masses[j, 0] if token == room.last[j] and not options.framewise else room.totals[j]
            mass *= y[token]
            most = mass * bonus * tree.inverse[place]
            if most <= least and not may_rise(hot, following, most, least):
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


def _make_kernels(sources: int) -> tuple[Callable, Callable]:
    """The two entry points, made anew if `sources` is another than that of the cached ones."""

    @jit_borrowing_cached
    def advance(scores, start, weights, options, lm, tree, hot, beam, room):
        """Search frames scores[start:] [T, K]; return (frame reached, status).

        Status 0 is well, 1 out of nodes, 2 bad scores, 3 nothing survives.
        """
        assert sources
        y = room.probabilities
        for t in range(start, scores.shape[0]):
            fallen = 2 * options.beam_size if options.merge_smallest > 0.0 else 0
            if beam.counts[1] + options.beam_size + fallen > len(beam.ints) or beam.counts[3] + fallen > len(
                beam.merges
            ):
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

    @jit_borrowing_cached
    def finish(options, lm, tree, hot, beam, room, ended, results, endings):
        """Write how each entry may end: log mass, LM and extra scores [R, 3], entry and word [R, 2]; return R.

        Words that are spelt alike end in the same place. The word is -1 if none ends there, and -2 in the midst of one.
        """
        assert sources
        unknown, number = len(tree.tokens), 0
        for i in range(beam.counts[0]):
            node = beam.entries[i]
            place = beam.ints[node, TREE]
            mass = join(beam.masses[i, 0], beam.masses[i, 1], options.framewise)
            acoustic = math.log(mass) + beam.scale[0] - tree.potentials[place]
            acoustic -= options.lm_weight * beam.floats[node, LM] + beam.floats[node, EXTRA]
            first, last = 0, 0
            if 0 < place < unknown and options.mode != LEXICON:  # there, the complete word is another entry
                first, last = tree.word_begins[place], tree.word_begins[place + 1]
            whole = first < last
            for k in range(first, last if whole else first + 1):
                state, hot_state = np.int64(beam.ints[node, STATE]), np.int64(beam.ints[node, HOT])
                lm_score, extra, word = beam.floats[node, LM], beam.floats[node, EXTRA], -1
                if whole or (place != 0 and options.mode == OPEN_WORDS):
                    word_id = tree.word_ids[tree.words[k]] if whole else 0
                    score, state = word_score(options, lm, room, state, word_id)
                    lm_score += score
                    extra += options.word_bonus + (tree.word_costs[k] if whole else 0.0)
                    if options.mode >= LEXICON_PARTED:
                        word = tree.words[k]
                        hot_state, gain = hot_step(hot, hot_state, word)
                        extra += gain
                elif place != 0:
                    word = -2
                if options.mode <= OPEN_WORDS and options.boundary >= 0 and beam.ints[node, TOKEN] != options.boundary:
                    hot_state, gain = hot_step(hot, hot_state, options.boundary)
                    extra += gain
                extra -= hot.potentials[hot_state]
                if ended and options.mode != PLAIN and options.lm_weight != 0.0:
                    score, _ = score_word(lm, state, END_ID)
                    lm_score += score
                results[number, 0], results[number, 1], results[number, 2] = acoustic, lm_score, extra
                endings[number, 0], endings[number, 1] = i, word
                number += 1
        return number

    return advance, finish


advance, finish = _make_kernels(sources_fingerprint(ngram, beam_merges, beam_state, beam_survival))
