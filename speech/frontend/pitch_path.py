"""From correlations to one pitch a frame: candidates at the peaks, then the cheapest path.

Compiled by Numba, one utterance at a time. Legend: T frames, J lags, C candidates of a frame.
"""

import math

import numpy as np

from ctc.compilation import jit_cached


@jit_cached
def find_candidates(correlation, ballast, first_lag, lag_step_s, octave_cost, f0_hz, strength):
    """Fill in the strongest peaks of each frame.

    Parameters
    ----------
    correlation : float32 [T, 1 + J]
        Column 0 is the energy, the others the correlation at equally spaced lags.
    ballast : float
        Energy added to a frame's, which keeps frames far quieter than the rest from voicing.
    first_lag : float
        Lag of column 1 in steps of `lag_step_s`.
    octave_cost : float
        Loss of strength for each doubling of the lag.
    f0_hz, strength : float32 [T, C]
        Output; unused places get strength -1.
    """
    num_frames, num_columns = correlation.shape
    num_candidates = f0_hz.shape[1]
    for t in range(num_frames):
        row = correlation[t]
        used = 0
        for c in range(num_candidates):
            f0_hz[t, c] = 0.0
            strength[t, c] = -1.0
        scale = row[0] + ballast
        if scale <= 0.0:
            continue
        scale = 1.0 / scale
        for j in range(2, num_columns - 1):
            value = row[j]
            if value <= 0.0 or value < row[j - 1] or value <= row[j + 1]:
                continue
            # The parabola through three points has its top at `shift` from the middle one.
            slope = 0.5 * (row[j + 1] - row[j - 1])
            bend = row[j - 1] - 2.0 * value + row[j + 1]
            shift = -slope / bend if bend < 0.0 else 0.0
            lag_s = (first_lag + (j - 1) + shift) * lag_step_s
            peak = min((value + 0.5 * slope * shift) * scale, 1.0)
            peak -= octave_cost * math.log2(lag_s)
            place = min(used, num_candidates - 1)
            if used == num_candidates and peak <= strength[t, place]:
                continue
            while place > 0 and strength[t, place - 1] < peak:
                strength[t, place] = strength[t, place - 1]
                f0_hz[t, place] = f0_hz[t, place - 1]
                place -= 1
            strength[t, place] = peak
            f0_hz[t, place] = 1.0 / lag_s
            used = min(used + 1, num_candidates)


@jit_cached
def best_path(f0_hz, strength, unvoiced_strength, jump_cost, switch_cost):
    """Path of most strength less cost: index of a candidate for each frame, -1 where unvoiced.

    Parameters
    ----------
    f0_hz, strength : float32 [T, C]
        As from `find_candidates`.
    unvoiced_strength : float
        Strength of having no pitch.
    jump_cost, switch_cost : float
        Cost of an octave's jump from frame to frame, and of voicing or unvoicing.

    Returns
    -------
    int64 [T]
    """
    num_frames, num_candidates = f0_hz.shape
    came_from = np.empty((num_frames, num_candidates + 1), np.int8)
    score = np.zeros(num_candidates + 1)
    following = np.empty(num_candidates + 1)
    octaves = np.empty(num_candidates)
    before = np.empty(num_candidates)
    used_before = 0
    for t in range(num_frames):
        used = 0
        while used < num_candidates and f0_hz[t, used] > 0.0:
            octaves[used] = math.log2(f0_hz[t, used])
            used += 1
        # The last state is the unvoiced one.
        best, origin = score[num_candidates], num_candidates
        for c in range(used_before):
            if score[c] - switch_cost > best:
                best, origin = score[c] - switch_cost, c
        following[num_candidates] = best + unvoiced_strength
        came_from[t, num_candidates] = origin
        for c in range(used):
            best, origin = score[num_candidates] - switch_cost, num_candidates
            for b in range(used_before):
                value = score[b] - jump_cost * abs(octaves[c] - before[b])
                if value > best:
                    best, origin = value, b
            following[c] = best + strength[t, c]
            came_from[t, c] = origin
        for c in range(used):
            score[c] = following[c]
            before[c] = octaves[c]
        score[num_candidates] = following[num_candidates]
        used_before = used
    path = np.empty(num_frames, np.int64)
    state = num_candidates
    for c in range(used_before):
        if score[c] > score[state]:
            state = c
    for t in range(num_frames - 1, -1, -1):
        path[t] = -1 if state == num_candidates else state
        state = came_from[t, state]
    return path
