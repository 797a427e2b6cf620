"""The rules and the triage over readings that are there already, on a virtual clock: a dry run.

Pure: what comes in, comes in as rows with the clock they came at; nothing is confirmed, stored or
sent. The same functions judge as in the service (`ingest.judging`). Whoever calls says when a batch
comes, when a tick, and when readings that came late are judged anew (`settle`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from alerts.caseload import Caseload
from alerts.evidence import Surroundings
from alerts.lifecycle import Step
from alerts.vitals import WITHIN_US, Measured, Vitals
from domain.batch import MISSING, READING, Rows, in_order
from domain.reading import CORE_LIKE, Site
from ingest.judging import Judgement
from ingest.work import History
from rules.engine import Evaluation, apply, tick
from rules.heard import NOTHING_HEARD, Heard
from rules.rulebook import Rulebook
from rules.state import State, fresh
from rules.wearers import Wearers

Pair = tuple[int, int]
"""(episode_no, device_no)."""


class Rehearsal:
    """See the module's docstring."""

    def __init__(
        self,
        wearers: Wearers,
        rulebook: Rulebook,
        surroundings: Mapping[int, Surroundings],
        new_id: Callable[[], str],
    ) -> None:
        self._wearers = wearers
        self._rulebook = rulebook
        self._state: State = fresh(len(wearers))
        self._rows: dict[Pair, list[Rows]] = defaultdict(list)
        self._seen: dict[tuple[int, int, int], bool] = {}
        self._late: dict[Pair, int] = {}
        self.duplicates = 0
        self.stored = 0
        self.caseload = Caseload(surroundings, new_id, self._vitals, rulebook)

    def batch(
        self, rows: Rows, now: int, clock_us: int, heard: Heard = NOTHING_HEARD
    ) -> list[Step]:
        """Judges readings that came by `now`; `rows` in any order, `slot` filled in.

        `heard` goes with these rows.
        """
        order = np.lexsort((rows["digest"], rows["measured_at"], rows["slot"]))
        new = order[self._is_new(rows[order])]
        self._keep(rows[new])
        done = self._judgement(now, clock_us, heard).judge(rows[new], new)
        for slot, at in done.late:
            pair = int(self._wearers.episode_no[slot]), int(self._wearers.device_no[slot])
            self._late[pair] = min(at, self._late.get(pair, at))
        return self._take_over(done, now)

    def tick(self, now: int, clock_us: int) -> list[Step]:
        """Time has passed."""
        steps = self._take_over(
            tick(self._state, self._wearers, self._rulebook, now, clock_us), now
        )
        return steps + self.caseload.quiet_time_over(now)

    def settle(self, now: int, clock_us: int) -> list[Step]:
        """Judges anew whose readings came late."""
        if not self._late:
            return []
        histories = [self._history(pair, at) for pair, at in sorted(self._late.items())]
        self._late.clear()
        done = self._judgement(now, clock_us, NOTHING_HEARD).rejudge(histories)
        return self._take_over(done, now)

    def _is_new(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of them have not been seen before. Shape (n,)."""
        keys = zip(
            *(rows[name].tolist() for name in ("device_no", "measured_at", "digest")), strict=True
        )
        new = np.array([self._is_first(key) for key in keys], dtype=np.bool_)
        self.duplicates += int((~new).sum())
        self.stored += int(new.sum())
        return new

    def _is_first(self, key: tuple[int, int, int]) -> bool:
        before = len(self._seen)
        self._seen[key] = True
        return len(self._seen) > before

    def _keep(self, rows: Rows) -> None:
        first = np.flatnonzero(np.append(True, rows["slot"][1:] != rows["slot"][:-1])[: len(rows)])
        for part in np.split(rows, first[1:]) if len(rows) else ():
            self._rows[int(part["episode_no"][0]), int(part["device_no"][0])].append(part)

    def _judgement(self, now: int, clock_us: int, heard: Heard) -> Judgement:
        return Judgement(self._state, self._wearers, self._rulebook, now, clock_us, heard)

    def _take_over(self, done: Evaluation, now: int) -> list[Step]:
        self._state = apply(self._state, done)
        return self.caseload.record(done.changes, now, self._rulebook.version)

    def _history(self, pair: Pair, late_from: int) -> History:
        standing = tuple(each for each in self.caseload.standing(*pair) if not each.key.by_journal)
        return History(*pair, in_order(self._of(pair)), standing, late_from)

    def _of(self, pair: Pair) -> Rows:
        parts = self._rows.get(pair, [])
        if len(parts) > 1:
            parts[:] = [np.concatenate(parts)]
        return parts[0].copy() if parts else np.empty(0, dtype=READING)

    def _vitals(self, episode_no: int, until: int) -> Vitals:
        """The newest vital signs of an episode, as `store.newest_vitals` has them."""
        found: list[Measured | None] = [None, None, None]
        for pair in [pair for pair in self._rows if pair[0] == episode_no]:
            rows = self._of(pair)
            rows = rows[(rows["measured_at"] <= until) & (rows["measured_at"] > until - WITHIN_US)]
            rows = rows[(rows["worn"] != 0) & (rows["pulse_bpm"] != 0)]
            for nth, (name, mask) in enumerate(_signs(rows, self._site(pair))):
                found[nth] = _newer(found[nth], rows[mask], name)
        return Vitals(*found)

    def _site(self, pair: Pair) -> int:
        return int(self._wearers.site[self._wearers.slots[pair]])


def _signs(rows: Rows, worn_at: int) -> Sequence[tuple[str, npt.NDArray[np.bool_]]]:
    site = np.where(rows["site"] == Site.NOT_GIVEN, worn_at, rows["site"])
    warm = (rows["temperature_cc"] != MISSING["temperature_cc"]) & np.isin(site, CORE_LIKE)
    return (
        ("temperature_cc", warm),
        ("pulse_bpm", (rows["pulse_bpm"] > 0) & (rows["steps"] <= 0)),
        ("spo2_pct", rows["spo2_pct"] > 0),
    )


def _newer(known: Measured | None, rows: Rows, name: str) -> Measured | None:
    if not len(rows):
        return known
    newest = rows[int(np.argmax(rows["measured_at"]))]
    at = int(newest["measured_at"])
    return known if known is not None and known.at >= at else Measured(int(newest[name]), at)
