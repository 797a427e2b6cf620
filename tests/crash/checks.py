"""What must hold after a crash run, one function a property; each returns what is wrong, by line.

They read the database with SQL of their own, and compare with what was sent and what the oracle
says of it; none of the project's rules, triage or queries take part.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from rules.finding import Finding, Rule
from tests.acceptance import stored
from tests.crash.deployment import Deployment
from tests.crash.publisher import Publisher
from tests.crash.traffic import STAFF, Message, Traffic

DISTANCE_SHARE = 0.005
"""The oracle measures on a sphere."""
NO_DATABASE = 4
FENCED = "has taken shard"

Expected = Mapping[str, list[Finding]]
"""What the oracle says of each device."""


@dataclass(frozen=True)
class Run:
    """A run that is over."""

    deployment: Deployment
    traffic: Traffic
    publisher: Publisher
    expected: Expected
    forgets: bool = False
    """Whether a broker was killed that may have confirmed what it had not yet written."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The database's answer."""
        return stored.rows(self.deployment.database, query)

    def each(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The same a little at a time, for answers that are millions of readings."""
        with (
            psycopg.connect(self.deployment.database) as connection,
            connection.cursor("each") as cursor,
        ):
            yield from cursor.execute(query)

    @property
    def taken(self) -> Iterator[Message]:
        """Every message the broker confirmed, or that needed no confirmation any more."""
        publisher = self.publisher
        for message, confirmed, open_ in zip(
            self.traffic.messages, publisher.confirmed, publisher.open, strict=True
        ):
            if confirmed or not open_:
                yield message

    def lost_poison(self) -> int:
        """How many messages the broker confirmed and forgot, that no device could ask for."""
        if not self.forgets:
            return 0
        stored_ = self.rows("SELECT count(*) FROM rejected_message")[0][0]
        return sum(1 for each in self.taken if each.reason) - int(stored_)


def never_receipted(run: Run) -> Iterator[str]:
    """In the end all is settled: readings by receipts, so that the rest is about all of them."""
    for number, open_ in enumerate(run.publisher.open):
        if open_:
            message = run.traffic.messages[number]
            was = "confirmed" if run.publisher.confirmed[number] else "not even confirmed"
            yield f"{message.device} seq {message.first} and {message.count - 1} more: {was}"


def receipted_not_stored(run: Run) -> Iterator[str]:
    """Every number that a receipt ever covered is stored, or its rejection is."""
    there: dict[str, int] = defaultdict(int)
    for device, seqs in run.each(
        "SELECT s.id, array_agg(s.seq) FROM ("
        " SELECT d.id, r.seq FROM reading r JOIN device d USING (device_no)"
        " UNION ALL SELECT m.device_id, j.seq FROM rejection j"
        " JOIN rejected_message m USING (content_sha256)"
        " WHERE j.seq >= 0 AND NOT j.rest_stored AND j.reason <> 'rate_limited'"
        ") s GROUP BY s.id"
    ):
        for seq in seqs:
            there[device] |= 1 << seq
    for device_id, device in run.publisher.devices.items():
        wrong = device.covered & ~there[device_id]
        if wrong:
            seqs = [seq for seq in range(wrong.bit_length()) if wrong >> seq & 1]
            yield f"{device_id} seq {seqs[:9]}, {len(seqs)} in all"


def lost(run: Run) -> Iterator[str]:
    """Every reading in a message that the broker took is stored, as it was sent."""
    due: dict[str, set[int]] = defaultdict(set)
    for message in run.taken:
        due[message.device].update(range(message.first, message.first + message.count))
    for device, *columns in run.each(
        "SELECT d.id, array_agg(r.seq),"
        " array_agg((extract(epoch FROM r.measured_at) * 1000000)::bigint),"
        " array_agg(r.temperature_cc), array_agg(r.lat_e7)"
        " FROM reading r JOIN device d USING (device_no) GROUP BY d.id"
    ):
        found = {seq: rest for seq, *rest in zip(*columns, strict=True)}
        readings = run.traffic.readings[device]
        for seq in sorted(due.pop(device, set())):
            sent = readings[seq - 1]
            wanted = [sent["measured_at"], sent["temperature_cc"], sent["lat_e7"]]
            if found.get(seq) != wanted:
                yield f"{device} seq {seq}: {found.get(seq, 'not stored')}"
    for device, seqs in due.items():
        if seqs:
            yield f"{device}: none of {len(seqs)} readings is stored"


def stored_twice(run: Run) -> Iterator[str]:
    """No reading is stored twice, and none that was not sent."""
    for device, seqs in run.each(
        "SELECT d.id, array_agg(r.seq) FROM reading r JOIN device d USING (device_no) GROUP BY d.id"
    ):
        sent = len(run.traffic.readings.get(device, ()))
        for seq, count in Counter(seqs).items():
            if count > 1 or not 1 <= seq <= sent:
                yield f"{device} seq {seq}: stored {count} times"


def rejected_wrongly(run: Run) -> Iterator[str]:
    """What is poison is kept with its reason, and nothing else is.

    Poison has no number to be missed by: what a broker forgets of it is gone, and is counted.
    """
    wanted = {(each.topic, each.payload): each.reason for each in run.taken if each.reason}
    found = {
        (topic, bytes(payload)): reason
        for topic, payload, reason in run.rows(
            "SELECT m.topic, m.payload, string_agg(DISTINCT r.reason, ',')"
            " FROM rejected_message m JOIN rejection r USING (content_sha256) GROUP BY 1, 2"
        )
    }
    for topic, payload in sorted(wanted.keys() | found.keys()):
        was, is_ = wanted.get((topic, payload)), found.get((topic, payload))
        if is_ is None and run.forgets:
            continue
        # Where nothing but one bad quantity was in it, that there is nothing left is said as well.
        if was is None or is_ is None or was not in is_.split(","):
            yield f"{topic} {payload[:60]!r}: {is_}, not {was}"


def late_work_left(run: Run) -> Iterator[str]:
    """What came late has been judged."""
    for row in run.rows("SELECT episode_no, device_no FROM late_work"):
        yield f"late work of {row}"


def findings_wrong(run: Run) -> Iterator[str]:
    """Findings are those of one calm pass over the readings, and nobody was called silent."""
    found: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = defaultdict(dict)
    for device, rule, site_class, onset_at, *rest in run.rows(
        "SELECT d.id, f.rule, f.site_class, (extract(epoch FROM f.onset_at) * 1000000)::bigint,"
        " (extract(epoch FROM f.ended_at) * 1000000)::bigint, f.severity,"
        " (extract(epoch FROM f.last_at) * 1000000)::bigint, f.limit_value, f.value, f.peak"
        " FROM finding f JOIN device d USING (device_no) WHERE f.withdrawn_at IS NULL"
    ):
        found[device][rule, site_class, onset_at] = tuple(rest)
    for device, said in run.expected.items():
        wanted = {
            (f.key.rule.value, f.key.site_class.value, f.onset_at): (
                *(f.ended_at, f.severity.word, f.last_at, f.limit, f.value, f.peak),
            )
            for f in said
        }
        ours = found.pop(device, {})
        for key in sorted(wanted.keys() | ours.keys()):
            if not _same(key[0], ours.get(key), wanted.get(key)):
                yield f"{device} {key}: {ours.get(key)}, not {wanted.get(key)}"
    for device in sorted(found):
        yield f"{device}: findings of a device that was not there"


def _same(rule: str, ours: tuple[Any, ...] | None, its: tuple[Any, ...] | None) -> bool:
    if ours is None or its is None or rule != Rule.LEFT_HOME:
        return ours == its
    near = (abs(a - b) <= DISTANCE_SHARE * b for a, b in zip(ours[-2:], its[-2:], strict=True))
    return ours[:-2] == its[:-2] and all(near)


def alerts_missing(run: Run) -> Iterator[str]:
    """Each (episode, rule) with a finding has its alert, which says what the findings say."""
    found = _alerts(run)
    for case, findings in _cases(run).items():
        alerts = found.get(case, [])
        if not alerts:
            yield f"{case}: no alert for {len(findings)} findings"
            continue
        alert, active = alerts[0], any(f.ended_at is None for f in findings)
        if (alert["condition"] == "active") != active:
            yield f"{case}: {alert['condition']}, and active is {active}"
        if alert["withdrawn"]:
            # Late data changed what had been raised: the alert remembers, so it may say more.
            continue
        onset_at = min(f.onset_at for f in findings)
        severity = max(f.severity for f in findings).word
        cleared_at = None if active else max(f.ended_at or 0 for f in findings)
        wanted = (onset_at, severity, cleared_at)
        says = (alert["onset_at"], alert["severity"], alert["cleared_at"])
        if says != wanted:
            yield f"{case}: {says}, not {wanted}"


def alerts_doubled(run: Run) -> Iterator[str]:
    """One alert a case, as nobody closes any; and none without a finding, unless late data took it.

    Which alerts late data takes a finding from depends on when it came; that is what a signal of
    the past is for, so such an alert is in order if it is cleared and its finding withdrawn.
    """
    cases = _cases(run)
    for case, alerts in _alerts(run).items():
        if len(alerts) > 1:
            yield f"{case}: {len(alerts)} alerts"
        if case not in cases:
            for alert in alerts:
                if not alert["withdrawn"] or alert["condition"] != "cleared":
                    yield f"{case}: an alert without a finding: {alert}"
    for episode, rule, count in run.rows(
        "SELECT episode_no, rule, count(*) FROM alert WHERE response <> 'closed'"
        " GROUP BY 1, 2 HAVING count(*) > 1"
    ):
        yield f"episode {episode} {rule}: {count} not closed"


def _cases(run: Run) -> dict[tuple[str, str], list[Finding]]:
    cases: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for device, said in run.expected.items():
        for finding in said:
            cases[device, finding.key.rule.value].append(finding)
    return cases


def _alerts(run: Run) -> dict[tuple[str, str], list[dict[str, Any]]]:
    names = ("id", "condition", "severity", "onset_at", "cleared_at", "withdrawn")
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for device, rule, *values in run.rows(
        "SELECT d.id, a.rule, a.id, a.condition, a.severity,"
        " (extract(epoch FROM a.onset_at) * 1000000)::bigint,"
        " (extract(epoch FROM a.cleared_at) * 1000000)::bigint,"
        " EXISTS (SELECT 1 FROM finding f WHERE f.alert_id = a.id AND f.withdrawn_at IS NOT NULL)"
        " FROM alert a JOIN device d USING (device_no)"
    ):
        found[device, rule].append(dict(zip(names, values, strict=True)))
    return found


def event_ids_with_gaps(run: Run) -> Iterator[str]:
    """Events are numbered 1 to n, and n is what the counter says."""
    ids = [row[0] for row in run.rows("SELECT event_id FROM alert_event ORDER BY event_id")]
    counter = run.rows("SELECT last_event_id FROM event_counter")[0][0]
    if ids != list(range(1, counter + 1)):
        yield f"{len(ids)} events, the counter says {counter}"


def streams_wrong(run: Run) -> Iterator[str]:
    """Each subscriber had every event of its grids exactly once, in order, as it is stored."""
    events = run.rows(
        "SELECT e.event_id, g.id, e.type, e.alert_id FROM alert_event e JOIN grid g USING (grid_no)"
        " ORDER BY e.event_id"
    )
    for n, subscriber in enumerate(run.deployment.subscribers):
        mine = [(i, type_, a) for i, grid, type_, a in events if grid in STAFF[subscriber.staff]]
        heard = [
            (h.event_id, h.data["type"], (h.data["after"] or h.data["before"])["id"])
            for h in subscriber.heard
        ]
        who = f"subscriber {n} ({subscriber.staff})"
        if heard != mine:
            twice = [i for i, count in Counter(h[0] for h in heard).items() if count > 1]
            missing = sorted({m[0] for m in mine} - {h[0] for h in heard})
            yield f"{who}: {len(heard)} of {len(mine)}, missing {missing[:9]}, twice {twice[:9]}"
        if subscriber.refused:
            yield f"{who}: refused {subscriber.refused}"


def ended_wrongly(run: Run) -> Iterator[str]:
    """Processes end by themselves when fenced or without a database, and never otherwise."""
    for name, kept in (("ingest", run.deployment.ingest), ("serve", run.deployment.serve)):
        for code, said in kept.exits:
            if code != NO_DATABASE and FENCED not in said:
                yield f"{name} ended with {code}: {said.strip().splitlines()[-1:]}"


CHECKS: dict[str, Callable[[Run], Iterator[str]]] = {
    "never receipted": never_receipted,
    "receipted and not stored": receipted_not_stored,
    "lost": lost,
    "stored twice": stored_twice,
    "rejected wrongly": rejected_wrongly,
    "late work left": late_work_left,
    "findings wrong": findings_wrong,
    "alerts missing": alerts_missing,
    "alerts doubled": alerts_doubled,
    "event ids with gaps": event_ids_with_gaps,
    "streams wrong": streams_wrong,
    "processes ended wrongly": ended_wrongly,
}
