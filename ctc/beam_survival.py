"""Prefix beam search: which of the prefixes of a frame go on, and the tree of prefixes that they are nodes of.

Legend: **W** beam size.
"""

import math
from collections.abc import Callable

import numpy as np

from ctc import beam_state
from ctc.beam_merges import note
from ctc.beam_state import (
    CHILD,
    EXTRA,
    FACTOR,
    FRAME,
    HOT,
    LM,
    MERGED,
    NUM_FLOATS,
    NUM_INTS,
    PARENT,
    POSITION,
    SIBLING,
    SOURCE,
    STATE,
    TOKEN,
    TREE,
    WORD,
)
from ctc.compilation import jit_borrowing, jit_borrowing_inside, jit_cached, sources_fingerprint


@jit_borrowing_inside
def join(a, b, viterbi):
    """Masses of two sets of paths together."""
    return max(a, b) if viterbi else a + b


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
    beam.ints[node, FRAME], beam.ints[node, MERGED] = frame, -1
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
def value_of(options, room, count, item):
    """Mass of an item."""
    if item < count:
        return join(room.stays[item, 0], room.stays[item, 1], options.framewise)
    return room.values[item - count]


@jit_borrowing_inside
def node_of(beam, room, count, item, frame):
    """Node of an item."""
    return np.int32(beam.entries[item]) if item < count else find_or_make(beam, room, item - count, frame)


@jit_borrowing_inside
def thin_out(options, beam, room, count, total):
    """Of the items in order that have the same future, leave the first few; return how many are left and fallen.

    The fallen ones stand in `room.fallen`, each behind the first one of the same future.
    """
    items, numbers = room.alike[0], room.alike[1]
    mask = np.int64(len(items) - 1)
    items[:] = -1
    kept = fallen = 0
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
        elif room.select[i] >= options.merge_smallest * value_of(options, room, count, items[slot]) > 0.0:
            room.fallen[fallen, 0], room.fallen[fallen, 1] = items[slot], item
            fallen += 1
    return kept, fallen


@jit_borrowing_inside
def survive(options, beam, room, number, least):
    """Make the W best of stays and candidates the beam."""
    count, total, fallen = beam.counts[0], 0, 0
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
        total, fallen = thin_out(options, beam, room, count, total)
    total = min(total, options.beam_size)
    while total > 1 and room.select[total - 1] < room.select[0] * options.smallest:
        total -= 1
    if total == 0:
        return False
    frame = beam.counts[2]
    nodes = room.order[1]
    for i in range(total):
        nodes[i] = node_of(beam, room, count, room.order[0, i], frame)
    for i in range(fallen):
        leader, item = room.fallen[i, 0], room.fallen[i, 1]
        value = value_of(options, room, count, leader)
        if value >= room.select[total - 1]:
            winner, loser = node_of(beam, room, count, leader, frame), node_of(beam, room, count, item, frame)
            note(beam, winner, loser, value_of(options, room, count, item) / value, frame)
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


def _make_compact(sources: int) -> Callable:
    """The kernel, made anew if `sources` is another than that of the cached one."""

    @jit_cached
    def compact(beam, keep):
        """Drop the nodes that are not kept; return the new number of each, -1 for none, int32."""
        assert sources
        num_nodes = beam.counts[1]
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
        return number

    return compact


compact = _make_compact(sources_fingerprint(beam_state))
