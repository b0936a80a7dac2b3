"""CTC in the probability domain with a scale for every block of states: what takes more range than `ctc.scaled` has.

Where outputs are peaked and wrong, or utterances very long, paths that cannot end well outweigh those that can by more
than float64 holds, and one scale a frame is theirs. They lie elsewhere among the states. So each block of pairs has a
power of two of its own in each frame; what goes from one block to the next is converted.

The rest, including how the result is checked, is that of `ctc.scaled`; a third to a ninth as fast.

Legend: **T** frames, **K** units including the blank, **N** labels, **C** blocks; row t + 1 belongs to frame t. Pairs
of states and arrays over them are as in `ctc.scaled`.
"""

import math

import numpy as np

from ctc import scaled
from ctc.compilation import jit, jit_inside
from ctc.exponential import largest, shares_of
from ctc.scaled import CENTRE, FLOOR, HIGH, LOW, OCCUPIED, ONE, TOLERANCE, TWO, ZERO

SIZES = (16, 4)
"""Pairs of a block: of the first size mostly; of the second, half as fast, where that has not range enough either."""
NONE = -(2**40)
"""Power of a block that no path has reached."""
MOST_ABOVE = 200
"""Bits above the centre from which on what arrives sets the scale."""
FARTHEST = 2100
"""Bits by which the largest number becomes zero."""

gather, scale_row = scaled.gather, scaled.scale_row
emissions, deep_emissions = scaled.emissions, scaled.deep_emissions
step_forward, step_backward = scaled.step_forward, scaled.step_backward
log_of = scaled.log_of


@jit_inside
def make_room(walk, alpha, powers, old, row, c, begin, end):
    """Convert what arrives from block c - 1 in row `row`; where it is too large, the block's scale follows it.

    What goes below the range is less than the floor that the step after adds.
    Blanks are in row `old` of walk; begin and end are the block's pairs.
    """
    arriving, before = alpha[row, begin], powers[row, c - ONE]
    if powers[row, c] == NONE:
        powers[row, c] = before
    excess = math.frexp(arriving)[1] + before - powers[row, c] - CENTRE
    if excess > MOST_ABOVE:
        scale(walk, old, begin, end, -excess, 0.0)
        scale(alpha, row, begin, end, -excess, 0.0)
        powers[row, c] += excess
    alpha[row, begin] = math.ldexp(arriving, int(max(before - powers[row, c], -FARTHEST)))


@jit_inside
def scale(weights, row, begin, end, shift, floor):
    """Multiply weights of pairs begin..end in place by 2**shift, a number out of range perhaps, and add the floor."""
    shift = max(shift, -FARTHEST)
    half = math.ldexp(1.0, int(shift // 2))
    rest = math.ldexp(1.0, int(shift - shift // 2))
    for j in range(begin + ONE, end + ONE):
        weights[row, j] = weights[row, j] * half * rest + floor


@jit
def forward(scores, gradient, start, stride, tables, window, frames, powers, size, smallest, weight):
    """As `ctc.scaled.forward` with `keep`, in blocks of `size` pairs (uint64).

    Fills powers [T + 1, C] of two by which weights are to be multiplied.
    Returns (loss without priors, final weight in the scale of the last block, 0 if out of range).
    """
    units, factors, skips, emitted, walk = tables
    alpha, needed, deep = frames
    num_frames, num_pairs = len(window), np.uint64(len(units) - 1)
    walk[:] = 0.0
    alpha[0] = 0.0
    powers[:] = NONE
    walk[0, 1], powers[0, 0] = 2.0**CENTRE, -CENTRE
    log_scale, product = 0.0, 1.0
    for t in range(num_frames):
        r, source, target = np.uint64(start + t * stride), np.uint64(t), np.uint64(t + 1)
        old, new = source & ONE, target & ONE
        first, last = np.uint64(window[t, 0]), np.uint64(window[t, 1])
        # A frame is read as in `ctc.scaled`; one function for both made short utterances there a quarter slower.
        top = largest(scores, r)
        total = shares_of(scores, r, top, gradient, r)
        if not total < math.inf:
            return 0.0, 0.0
        gather(gradient, r, units, first, last, needed, source)
        scale_row(gradient, r, weight / total)
        deep[t] = emissions(needed, source, factors, first, last, smallest, 1.0, emitted)
        if deep[t]:
            best, in_range = deep_emissions(scores, r, units, factors, first, last, 1.0, emitted)
            if not in_range:
                return 0.0, 0.0
            log_scale += best - np.float64(top)
        last_block = (last - ONE) // size
        for n in range(last_block - first // size + ONE):
            c = last_block - n  # downwards, so that the block before is still as it was
            begin, end = max(first, c * size), min(last, (c + ONE) * size)
            arriving = alpha[source, begin]
            if begin == c * size and arriving > 0.0:
                make_room(walk, alpha, powers, old, source, c, begin, end)
            total_weight = step_forward(walk, alpha, skips, emitted, begin, end, old, source, target)
            alpha[source, begin] = arriving
            powers[target, c] = powers[source, c]
            if not LOW < total_weight < HIGH:
                if not 0.0 < total_weight < math.inf:
                    return 0.0, 0.0
                shift = min(CENTRE - math.frexp(total_weight)[1], 1000)
                scale(walk, new, begin, end, shift, FLOOR)
                scale(alpha, target, begin, end, shift, FLOOR)
                powers[target, c] -= shift
        walk[new, first], walk[new, last + ONE] = 0.0, 0.0
        alpha[target, first], alpha[target, last + ONE] = 0.0, 0.0
        product *= total
        if product > HIGH:
            log_scale -= math.log(product)
            product = 1.0
    final, power = final_weight(walk, alpha, powers, size, num_frames, num_pairs)
    if not 0.0 < final < math.inf:
        return 0.0, 0.0
    return math.log(product) - log_scale - log_of(final, power), final


@jit
def final_weight(walk, alpha, powers, size, num_frames, num_pairs):
    """Weight of all paths, of which the last is a blank or a label; and its power of two, the last block's."""
    label_block, end_block = (max(num_pairs, TWO) - TWO) // size, (num_pairs - ONE) // size
    blank, label = walk[num_frames & 1, num_pairs], alpha[num_frames, num_pairs - ONE]
    if powers[num_frames, end_block] == NONE:
        powers[num_frames, end_block] = powers[num_frames, label_block]
    power = powers[num_frames, end_block]
    return blank + math.ldexp(label, int(max(powers[num_frames, label_block] - power, -FARTHEST))), power


@jit
def backward(scores, gradient, start, stride, tables, window, frames, powers, size, final, weight):
    """As `ctc.scaled.backward`."""
    units, factors, skips, emitted, walk = tables
    alpha, needed, deep = frames
    num_frames, num_pairs = len(window), np.uint64(len(units) - 1)
    walk[:] = 0.0
    old = ZERO
    walk[0, num_pairs] = 1.0 / final
    for t in range(num_frames - 1, -1, -1):
        r, row, before = np.uint64(start + t * stride), np.uint64(t + 1), np.uint64(t)
        first, last = np.uint64(window[t, 0]), np.uint64(window[t, 1])
        if deep[t]:
            deep_emissions(scores, r, units, factors, first, last, 1.0, emitted)
        else:
            emissions(needed, before, factors, first, last, 0.0, 1.0, emitted)
        emitted_blank = emitted[num_pairs]
        total = 0.0
        for c in range(first // size, (last - ONE) // size + ONE):
            begin, end = max(first, c * size), min(last, (c + ONE) * size)
            after = end + ONE
            blank_after, label_after = walk[old, after], walk[old + ONE, after]
            if end == (c + ONE) * size and end < num_pairs and powers[row, c + ONE] != NONE:
                shift = int(max(powers[row, c] - powers[row, c + ONE], -FARTHEST))
                walk[old, after] = math.ldexp(blank_after, shift)
                walk[old + ONE, after] = math.ldexp(label_after, shift)
            shift = powers[before, c] - powers[row, c]
            if shift > 0:
                factor = math.ldexp(1.0, int(shift))
                emitted[num_pairs] = emitted_blank * factor
                for i in range(begin, end):
                    emitted[i] *= factor
            total += step_backward(walk, alpha, skips, emitted, begin, end, old, row)
            emitted[num_pairs] = emitted_blank
            walk[old, after], walk[old + ONE, after] = blank_after, label_after
            if shift < 0:  # not the emissions, which might leave the range
                scale(walk, TWO - old, begin, end, shift, 0.0)
                scale(walk, TWO - old + ONE, begin, end, shift, 0.0)
        old = TWO - old
        walk[old : old + TWO, first] = 0.0
        walk[old : old + TWO, last + ONE] = 0.0
        if not total < 1.0 + TOLERANCE:
            return False
        for i in range(first, last):
            gradient[r, units[i]] -= weight * walk[OCCUPIED, i]
        gradient[r, units[num_pairs]] -= weight * (1.0 - total)
    return abs((walk[old, 1] + walk[old + ONE, 1]) * 2.0**CENTRE - 1.0) < TOLERANCE
