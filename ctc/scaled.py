"""CTC in the probability domain: what nearly every utterance takes.

Exactness is a matter of range, not of digits: path weights are float64, so a thousand frames cost 1e-13. They carry one
power of two a frame, and what matters is that a state which lies on good paths is never lost below the range while
states that lie on none hold the scale. Hence

- only states are walked that can be reached and can still reach the end;
- the range is 1,000 bits either side of the scale, which stands near 2**500;
- backward weights are scaled as the forward ones were, inverted, so that their product in a state is its share of all
  paths, and both are small, or large, where the other is not;
- a frame in which a unit that is needed has a softmax below the float type's range takes its emissions from the scores
  again, relative to the best unit that is needed;
- forward weights are never too small, as a floor is added to each, and backward weights never too large, as they only
  lose what is below the range. So the backward walk ends with what the forward walk began with if, and only if, neither
  is wrong; else the caller walks this utterance anew. Were both to lose weights, what one lost might hide it from the
  other.

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
FLOOR = 2.0**-1000
"""Added to every forward weight, so that none is ever too small: more than what float64 loses, and nothing beside a
weight that counts."""
LEAST = 1e-270
"""Emission, prior included, below which float64 may not hold it times a frame's power of two."""
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

    Returns the log of what all factors were multiplied by, to keep them at one or below, and the least of them.
    """
    num_labels = len(labels)
    for i in range(num_labels + 2):
        units[i] = np.uint64(labels[i] if i < num_labels else blank)
    factors[:] = 1.0
    shift = most = 0.0
    if len(log_prior) > 0:
        shift = most = log_prior[blank]
        for i in range(num_labels):
            shift = min(shift, log_prior[labels[i]])
            most = max(most, log_prior[labels[i]])
        for i in range(num_labels + 2):
            factors[i] = math.exp(shift - log_prior[units[i]])
    factors[num_labels] = 0.0  # the last pair has no label
    skips[:] = 0.0
    for i in range(1, num_labels):
        skips[i + 1] = labels[i] != labels[i - 1]
    return shift, math.exp(shift - most)


# Rows and states are reached by unsigned indices into whole arrays: a slice counts a reference, a
# signed index may mean the end, and at 40 labels a frame either costs as much as the arithmetic.
@jit_inside
def gather(shares, q, units, first, last, needed, source):
    """Copy the shares of pairs first..last and, at N + 1, of the blank from row q to row `source` of needed."""
    blank = np.uint64(len(units) - 1)
    needed[source, blank] = shares[q, units[blank]]
    for i in range(first, last):
        needed[source, i] = shares[q, units[i]]


@jit_sums_inside
def emissions(needed, source, factors, first, last, smallest, scale, emitted):
    """Fill emitted [N + 2] with shares times factors times scale; return whether a share is below the smallest."""
    blank = np.uint64(len(factors) - 1)
    deep = needed[source, blank] < smallest
    emitted[blank] = np.float64(needed[source, blank]) * factors[blank] * scale
    for i in range(first, last):
        share = needed[source, i]
        deep |= share < smallest
        emitted[i] = np.float64(share) * factors[i] * scale
    return deep


@jit
def deep_emissions(scores, r, units, factors, first, last, scale, emitted):
    """As `emissions`, relative to the best needed unit; return (its score, whether all are in range)."""
    blank = np.uint64(len(units) - 1)
    best = np.float64(scores[r, units[blank]])
    for i in range(first, last):
        best = max(best, np.float64(scores[r, units[i]]))
    if best == -math.inf:
        return best, False
    in_range = True
    for j in range(first, last + ONE):
        i = j if j < last else blank
        depth = np.float64(scores[r, units[i]]) - best
        weight = math.exp(depth) * factors[i]
        in_range &= weight >= LEAST or depth == -math.inf or i == blank - ONE  # the last pair has no label
        emitted[i] = weight * scale
    return best, in_range


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
        new_blank = (blank + arriving) * emitted_blank + FLOOR
        new_label = (alpha[source, j] + blank + skips[j] * arriving) * emitted[i] + FLOOR
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
def log_of(value, exponent):
    """Log of value times 2**exponent, which cancel first near certainty, so that a tiny loss keeps its digits."""
    mantissa, power = math.frexp(value)
    if abs(power + exponent) < 1000:
        return math.log(math.ldexp(mantissa, int(power + exponent)))
    return math.log(mantissa) + (power + exponent) * math.log(2.0)


@jit
def scale_weights(values, factor):
    """Multiply forward weights in place; none goes below the floor."""
    for i in range(len(values)):
        values[i] = values[i] * factor + FLOOR


@jit
def forward(scores, gradient, start, stride, tables, window, frames, smallest, keep, weight):
    """Walk alpha forward; return (loss without priors, final weight), the latter 0 if out of range.

    Frame t is row ``start + t * stride`` of scores [rows, K]. If `keep`, its softmax times weight
    goes to that row of gradient, and alpha [T + 1, N + 3] (frame t in row t + 1) and the needed
    units' shares [T + 1, N + 3] are kept; else gradient is room for one frame and these two have
    two rows that take turns. Fills the power of two of each frame, powers [T], and whether its
    shares are out of range, deep [T].
    """
    units, factors, skips, emitted, walk = tables
    alpha, needed, powers, deep = frames
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
        total = shares_of(scores, r, top, gradient, q)
        if not total < math.inf:
            return math.nan, 0.0
        first, last = np.uint64(window[t, 0]), np.uint64(window[t, 1])
        old, source, target = np.uint64(t & 1), np.uint64(t & mask), np.uint64((t + 1) & mask)
        gather(gradient, q, units, first, last, needed, source)
        if keep:  # while the row is near
            scale_row(gradient, q, weight / total)
        deep[t] = emissions(needed, source, factors, first, last, smallest, 1.0, emitted)
        if deep[t]:
            best, in_range = deep_emissions(scores, r, units, factors, first, last, 1.0, emitted)
            if not in_range:
                return 0.0, 0.0
            log_scale += best - np.float64(top)
        new, beside = ONE - old, last + ONE
        total_weight = step_forward(walk, alpha, skips, emitted, first, last, old, source, target)
        walk[new, first], walk[new, beside] = 0.0, 0.0
        alpha[target, first], alpha[target, beside] = 0.0, 0.0
        powers[t] = 0
        if not LOW < total_weight < HIGH:
            if not 0.0 < total_weight < math.inf:
                return 0.0, 0.0
            powers[t] = min(CENTRE - math.frexp(total_weight)[1], 1000)
            scale_weights(walk[new, first + ONE : beside], math.ldexp(1.0, int(powers[t])))
            scale_weights(alpha[target, first + ONE : beside], math.ldexp(1.0, int(powers[t])))
            exponent -= powers[t]
        product *= total
        if product > HIGH:  # one logarithm for many frames
            log_scale -= math.log(product)
            product = 1.0
    final = walk[num_frames & 1, num_pairs] + alpha[num_frames & mask, num_pairs - 1]
    if final == 0.0:
        return 0.0, 0.0
    return math.log(product) - log_scale - log_of(final, exponent), final


@jit
def backward(scores, gradient, start, stride, tables, window, frames, final, weight):
    """Walk back, taking occupancies times weight off the gradient; return whether nothing was lost."""
    units, factors, skips, emitted, walk = tables
    alpha, needed, powers, deep = frames
    num_frames, num_pairs = len(powers), len(units) - 1
    walk[:] = 0.0
    old = ZERO
    walk[0, num_pairs] = 1.0 / final
    for t in range(num_frames - 1, -1, -1):
        source = np.uint64(t)
        r = np.uint64(start + t * stride)
        first, last = np.uint64(window[t, 0]), np.uint64(window[t, 1])
        scale = 1.0 if powers[t] == 0 else math.ldexp(1.0, int(powers[t]))
        if deep[t]:
            deep_emissions(scores, r, units, factors, first, last, scale, emitted)
        else:
            emissions(needed, source, factors, first, last, 0.0, scale, emitted)
        total = step_backward(walk, alpha, skips, emitted, first, last, old, source + ONE)
        old = TWO - old
        beside = last + ONE
        walk[old, first], walk[old, beside] = 0.0, 0.0
        walk[old + ONE, first], walk[old + ONE, beside] = 0.0, 0.0
        if not total < 1.0 + TOLERANCE:
            return False
        for i in range(first, last):
            gradient[r, units[i]] -= weight * walk[OCCUPIED, i]
        gradient[r, units[num_pairs]] -= weight * (1.0 - total)
    return abs((walk[old, 1] + walk[old + ONE, 1]) * 2.0**CENTRE - 1.0) < TOLERANCE


@jit_inside
def scale_row(rows, r, factor):
    """Multiply row r of rows [.., K] in place."""
    for k in range(np.uint64(rows.shape[1])):
        rows[r, k] = rows[r, k] * factor
