"""CTC in the probability domain: what nearly every utterance takes.

Exactness is a matter of range, not of digits: path weights are float64, so a thousand frames cost
1e-13. They carry one power of two a frame, and what matters is that a state which lies on good
paths is never lost below the range while states that lie on none hold the scale. Hence

- only states are walked that can be reached and can still reach the end;
- the range is 1,000 bits either side of the scale, which stands near 2**500;
- backward weights are scaled as the forward ones were, inverted, so that their product in a state
is its share of all paths, and
  both are small, or large, where the other is not;
- a frame in which a unit that is needed has a softmax below the float type's range takes its
emissions from the scores again,
  relative to the best unit that is needed;
- the backward walk must end with what the forward walk began with, and the shares of no frame may
exceed one. Else mass was lost,
  and the caller walks this utterance in the log domain.

The forward variables are kept for labels only ([T, N]); what remains of a frame is the blank's.

Legend: **T** frames, **K** units including the blank, **N** labels. States come in pairs i = 0..N:
the blank before label i, and label i; the last pair has a blank only. Arrays over pairs have a
zero before the first and after the last.

References
----------
Rabiner, Proc. IEEE 77(2), 1989, section V.A (scaling).
"""

import math

import numpy as np

from ctc.compilation import jit, jit_inside, jit_sums_inside
from ctc.exponential import largest, shares_of

CENTRE = 500
"""Exponent (base 2) near which the sum of the forward weights is held."""
LOW, HIGH = 2.0 ** (CENTRE - 100), 2.0 ** (CENTRE + 100)
DEEPEST = -700.0
"""Nats below the best needed unit at which float64 ends."""
ZERO, ONE, TWO, OCCUPIED = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)
TOLERANCE = 1e-8
"""Of a sum that must be one; rounding makes 1e-13 in 2,000 frames."""


@jit
def windows(labels, num_frames, out):
    """Pairs first..last (exclusive) worth walking in each frame, out [T, 2]; false if no path exists."""
    num_labels = len(labels)
    repeats = 0
    for i in range(1, num_labels):
        repeats += labels[i] == labels[i - 1]
    if num_labels + repeats > num_frames:
        return False
    # Pair i is reached by its blank, a frame after label i - 1; a repeated label waits one more.
    last, reached = 0, 0
    for t in range(num_frames):
        while last <= num_labels and reached <= t:
            reached += 1
            if 0 < last < num_labels:
                reached += labels[last] == labels[last - 1]
            last += 1
        out[t, 1] = last
    # It is left by its label, which must leave frames for all labels after it.
    first, leaves = 0, num_frames - num_labels - repeats
    for t in range(num_frames):
        while first < num_labels and leaves < t:
            first += 1
            if first < num_labels:
                leaves += 1 + (labels[first] == labels[first - 1])
        out[t, 0] = first
    return True


@jit
def pair_units(labels, blank, log_prior, units, factors, skips):
    """Tables over pairs: unit and prior factor of label i at i, of the blank at N + 1; may label i - 1 pass to i.

    Returns the log of what all factors were multiplied by, to keep them at one or below.
    """
    num_labels = len(labels)
    for i in range(num_labels + 2):
        units[i] = np.uint64(labels[i] if i < num_labels else blank)
    factors[:] = 1.0
    shift = 0.0
    if len(log_prior) > 0:
        shift = log_prior[blank]
        for i in range(num_labels):
            shift = min(shift, log_prior[labels[i]])
        for i in range(num_labels + 2):
            factors[i] = math.exp(shift - log_prior[units[i]])
    factors[num_labels] = 0.0  # the last pair has no label
    skips[:] = 0.0
    for i in range(1, num_labels):
        skips[i + 1] = labels[i] != labels[i - 1]
    return shift


# Rows and states are reached by unsigned indices into whole arrays: a slice counts a reference, a
# signed index may mean the end, and at 40 labels a frame either costs as much as the arithmetic.
@jit_inside
def emissions(scores, r, shares, q, top, units, factors, first, last, smallest, emitted):
    """Fill emitted [N + 2] for pairs first..last and, at N + 1, the blank; return (log scale, whether in range).

    An emission is ``factor * exp(score - top - log scale)``; scores are in row r, shares in row q.
    """
    blank = np.uint64(len(units) - 1)
    share = shares[q, units[blank]]
    deep = share < smallest
    emitted[blank] = np.float64(share) * factors[blank]
    for i in range(first, last):
        share = shares[q, units[i]]
        deep |= share < smallest
        emitted[i] = np.float64(share) * factors[i]
    if not deep:
        return 0.0, True
    return deep_emissions(scores, r, top, units, factors, first, last, emitted)


@jit
def deep_emissions(scores, r, top, units, factors, first, last, emitted):
    """As `emissions`, relative to the best needed unit instead of the best of all."""
    blank = np.uint64(len(units) - 1)
    best = np.float64(scores[r, units[blank]])
    for i in range(first, last):
        best = max(best, np.float64(scores[r, units[i]]))
    if best == -math.inf:
        return 0.0, False
    in_range = True
    for j in range(first, last + ONE):
        i = j if j < last else blank
        depth = np.float64(scores[r, units[i]]) - best
        in_range &= depth >= DEEPEST or depth == -math.inf
        emitted[i] = math.exp(depth) * factors[i]
    return best - top, in_range


@jit_sums_inside
def step_forward(walk, alpha, skips, emitted, first, last, old, source, target):
    """One frame for pairs first..last; return the sum of the new weights.

    Blanks go from row `old` of walk [5, N + 3] to row ``1 - old``, labels from row `source` of
    alpha to row `target`.
    """
    total = 0.0
    emitted_blank = emitted[len(emitted) - 1]
    new = ONE - old
    for i in range(first, last):
        j = i + ONE
        arriving, blank = alpha[source, i], walk[old, j]
        new_blank = (blank + arriving) * emitted_blank
        new_label = (alpha[source, j] + blank + skips[j] * arriving) * emitted[i]
        walk[new, j] = new_blank
        alpha[target, j] = new_label
        total += new_blank + new_label
    return total


@jit_sums_inside
def step_backward(walk, alpha, skips, emitted, first, last, old, source):
    """One frame for pairs first..last; write each label's share of all paths to row 4 of walk, return their sum.

    Blanks and labels of the frame after, times emission, are in rows old and old + 1 of walk (old
    is 0 or 2) and go to the other two; alpha is in row `source`.
    """
    total = 0.0
    emitted_blank = emitted[len(emitted) - 1]
    old_label, new, new_label = old + ONE, TWO - old, TWO - old + ONE
    for i in range(first, last):
        j = i + ONE
        after = j + ONE
        beta = walk[old_label, j] + walk[old, after] + skips[after] * walk[old_label, after]
        walk[new, j] = (walk[old, j] + walk[old_label, j]) * emitted_blank
        walk[new_label, j] = beta * emitted[i]
        share = alpha[source, j] * beta
        walk[OCCUPIED, i] = share
        total += share
    return total


@jit
def scale_up(values, factor):
    """Multiply in place."""
    for i in range(len(values)):
        values[i] *= factor


@jit
def forward(scores, shares, start, stride, tables, window, alpha, powers, totals, smallest, keep):
    """Walk alpha forward; return (loss without priors, final weight), the latter 0 if out of range.

    Frame t is row ``start + t * stride`` of scores [rows, K]. Fills alpha [T + 1, N + 3] (frame t
    in row t + 1; if nothing is to be kept, two rows taken in turns), the power of two of each
    frame, powers [T], the sum over K of each frame's shares, totals [T], and the shares, in their
    frame's row if they are to be kept, else in row 0.
    """
    units, factors, skips, emitted, walk = tables
    num_frames, num_pairs = len(powers), len(units) - 1
    mask = -1 if keep else 1
    walk[:] = 0.0
    alpha[0] = 0.0
    walk[0, 1] = 2.0**CENTRE
    log_scale, product, exponent = 0.0, 1.0, -CENTRE
    for t in range(num_frames):
        r = np.uint64(start + t * stride)
        q = r if keep else ZERO
        top = largest(scores, r)
        total = shares_of(scores, r, top, shares, q)
        totals[t] = total
        if not total < math.inf:
            return math.nan, 0.0
        first, last = np.uint64(window[t, 0]), np.uint64(window[t, 1])
        shift, in_range = emissions(
            scores, r, shares, q, np.float64(top), units, factors, first, last, smallest, emitted
        )
        if not in_range:
            return 0.0, 0.0
        old, source, target = np.uint64(t & 1), np.uint64(t & mask), np.uint64((t + 1) & mask)
        new, beside = ONE - old, last + ONE
        weight = step_forward(walk, alpha, skips, emitted, first, last, old, source, target)
        walk[new, first], walk[new, beside] = 0.0, 0.0
        alpha[target, first], alpha[target, beside] = 0.0, 0.0
        powers[t] = 0
        if not LOW < weight < HIGH:
            if not 0.0 < weight < math.inf:
                return 0.0, 0.0
            powers[t] = min(CENTRE - math.frexp(weight)[1], 1000)
            scale_up(walk[new, first + ONE : beside], math.ldexp(1.0, powers[t]))
            scale_up(alpha[target, first + ONE : beside], math.ldexp(1.0, powers[t]))
            exponent -= powers[t]
        log_scale += shift
        product *= total
        if product > HIGH:  # one logarithm for many frames
            log_scale -= math.log(product)
            product = 1.0
    final = walk[num_frames & 1, num_pairs] + alpha[num_frames & mask, num_pairs - 1]
    if final == 0.0:
        return 0.0, 0.0
    # Near certainty the two scales cancel: add exponents first, so that a tiny loss keeps its
    # digits.
    mantissa, power = math.frexp(final)
    if abs(power + exponent) < 1000:
        log_final = math.log(math.ldexp(mantissa, power + exponent))
    else:
        log_final = math.log(mantissa) + (power + exponent) * math.log(2.0)
    return math.log(product) - log_scale - log_final, final


@jit
def backward(scores, gradient, start, stride, tables, window, alpha, powers, totals, final, weight, smallest):
    """Walk back and turn the shares in gradient into it, times weight; return whether nothing was lost."""
    units, factors, skips, emitted, walk = tables
    num_frames, num_pairs = len(powers), len(units) - 1
    walk[:] = 0.0
    old = ZERO
    walk[0, num_pairs] = 1.0 / final
    for t in range(num_frames - 1, -1, -1):
        r = np.uint64(start + t * stride)
        first, last = np.uint64(window[t, 0]), np.uint64(window[t, 1])
        emissions(scores, r, gradient, r, 0.0, units, factors, first, last, smallest, emitted)
        if powers[t] != 0:
            scale_up(emitted[first:last], math.ldexp(1.0, powers[t]))
            emitted[num_pairs] *= math.ldexp(1.0, powers[t])
        total = step_backward(walk, alpha, skips, emitted, first, last, old, np.uint64(t + 1))
        old = TWO - old
        beside = last + ONE
        walk[old, first], walk[old, beside] = 0.0, 0.0
        walk[old + ONE, first], walk[old + ONE, beside] = 0.0, 0.0
        if not total < 1.0 + TOLERANCE:
            return False
        finish_row(gradient, r, weight / totals[t], weight, units, first, last, walk, total)
    return abs((walk[old, 1] + walk[old + ONE, 1]) * 2.0**CENTRE - 1.0) < TOLERANCE


@jit_inside
def finish_row(gradient, r, scale, weight, units, first, last, walk, total):
    """Row r of gradient, shares [K], to weight times (softmax minus occupancy)."""
    for k in range(np.uint64(gradient.shape[1])):
        gradient[r, k] = gradient[r, k] * scale
    for i in range(first, last):
        gradient[r, units[i]] -= weight * walk[OCCUPIED, i]
    gradient[r, units[len(units) - 1]] -= weight * (1.0 - total)
