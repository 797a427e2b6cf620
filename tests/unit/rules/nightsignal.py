"""NightSignal once more, from its authors' figure and script, sharing nothing with `rules`."""

import statistics
from collections.abc import Sequence

GREEN, YELLOW, RED = 0, 1, 2

# The published figure: state -> (below, exactly +3, +4 and more). S0 to S2 are green.
MACHINE = {0: (0, 1, 2), 1: (0, 3, 4), 2: (0, 3, 5), 3: (0, 3, 4), 4: (0, 3, 5), 5: (0, 3, 5)}
OF_STATE = (GREEN, GREEN, GREEN, YELLOW, YELLOW, RED)


def filled_in(nights: Sequence[int]) -> dict[int, int]:
    """The present nights and those the script imputes, by day."""
    present = {day: pulse for day, pulse in enumerate(nights) if pulse}
    days = sorted(present)
    missed = {}
    for before, today, after in zip(days, days[1:], days[2:], strict=False):
        if after - today == 1 and today - before == 2:
            missed[today - 1] = int((present[today] + present[before]) / 2)
        if after - today == 2 and today - before == 1:
            missed[today + 1] = int((present[today] + present[after]) / 2)
    return dict(sorted((missed | present).items()))


def published(nights: Sequence[int]) -> list[int]:
    """The level of each night by the state machine, one night after the other."""
    found = [GREEN] * len(nights)
    state, so_far, yesterday = 0, list[int](), -2
    for day, pulse in filled_in(nights).items():
        so_far.append(pulse)
        above = pulse - int(statistics.median(so_far))
        symbol = 0 if above < 3 else 1 if above == 3 else 2
        state = MACHINE[state if day == yesterday + 1 else 0][symbol]
        found[day], yesterday = OF_STATE[state], day
    return found
