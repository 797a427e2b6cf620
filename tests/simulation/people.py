"""The alerts of a simulated world: real triage and lifecycle, in memory."""

from collections.abc import Iterable
from itertools import count

from alerts.caseload import Caseload
from alerts.evidence import Surroundings, Worn
from alerts.vitals import NOTHING_KNOWN


def caseload(episodes: Iterable[int]) -> Caseload:
    """Of these episodes; device n is worn in episode n."""
    where = {
        n: Surroundings(
            f"e-{n}", f"p-{n}", "g", "3", "Asia/Shanghai", 50.0, {n: Worn(f"w-{n}", 60)}
        )
        for n in episodes
    }
    ids = count(1)
    return Caseload(where, lambda: f"a-{next(ids)}", lambda _, __: NOTHING_KNOWN)
