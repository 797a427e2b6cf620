"""Alerts over HTTP: the list, one, its log, and what people do with it."""

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response as Answered

from alerts.accuracy import group
from alerts.alert import Response
from alerts.api import shapes
from alerts.api.auth import Acting, PortsGiven, SignedIn, own_grid
from alerts.api.looks import looked
from alerts.api.problems import NotFound, Problem
from alerts.api.shapes_truth import ListedAlertsShape, OneAlertShape
from alerts.audit import What
from alerts.casework import (
    AlertQuery,
    Answer,
    Deed,
    Done,
    KeyReused,
    NoSuchMember,
    NotDone,
    NotThere,
    Once,
)
from alerts.lifecycle import Kind
from alerts.paging import notify
from rules.finding import Rule, Severity

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

_NEVER: Final = -1
"""No alert has this version."""

Said = shapes.Remark | shapes.Comment | shapes.Assignment | shapes.OutcomeReport
"""The bodies of writes."""


class Conditions:
    """What a write says besides the deed itself."""

    def __init__(
        self,
        request: Request,
        if_match: Annotated[
            str | None,
            Header(max_length=100, description="The version you saw. 412 says who acted first."),
        ] = None,
        idempotency_key: Annotated[
            str | None,
            Header(
                min_length=1,
                max_length=255,
                description="Your name for this intention: sent again, it is done once.",
            ),
        ] = None,
    ) -> None:
        self._request = f"{request.method} {request.url.path} {if_match}"
        self._seen = _seen_version(if_match)
        self._key = idempotency_key

    def deed(
        self,
        kind: Kind,
        body: Said | None,
        detail: dict[str, Any] | None = None,
    ) -> Deed:
        """The deed with its conditions."""
        once = None
        if self._key is not None:
            said = "" if body is None else body.model_dump_json()
            once = Once(self._key, hashlib.sha256(f"{self._request}\n{said}".encode()).digest())
        outcome = body.outcome if isinstance(body, shapes.OutcomeReport) else None
        assignee = body.assignee if isinstance(body, shapes.Assignment) else None
        note = "" if body is None else body.note
        return Deed(kind, outcome, assignee, note, detail or {}, self._seen, once)


ConditionsGiven = Annotated[Conditions, Depends()]


@router.get(
    "", summary="Alerts, most urgent first", responses=shapes.answers(ListedAlertsShape, 401, 404)
)
def alerts(
    request: Request,
    staff: SignedIn,
    ports: PortsGiven,
    asked: Annotated[shapes.AlertsAsked, Query()],
) -> Answered:
    """Not closed first, then severity, nobody on it yet, still so, vulnerable, longest waiting.

    Routine alerts of a device that is proposed for a swap have one `group`.
    """
    severities = _words("severity", asked.severity, shapes.SEVERITIES)
    query = AlertQuery(
        responses=tuple(Response(word) for word in _words("response", asked.response, [*Response])),
        rules=tuple(Rule(word) for word in _words("rule", asked.rule, [*Rule])),
        severities=tuple(Severity[word.upper()] for word in severities),
        person=asked.person,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    page = ports.desk.alerts(staff, own_grid(staff, asked.grid), query)
    looked(request, ports, staff, What.VIEWED_ALERTS, asked.narrowed())
    devices = sorted({each["device"] for each in page.items})
    now = ports.now()
    proposed = ports.truth.swaps(staff, devices, now) if devices else []
    items = [
        each | {"group": group(each, proposed), "notify": notify(each, now)} for each in page.items
    ]
    return JSONResponse({"items": items, "next": page.next})


@router.get("/{alert_id}", summary="One alert", responses=shapes.answers(OneAlertShape, 401, 404))
def alert(staff: SignedIn, ports: PortsGiven, alert_id: str) -> Answered:
    """With `evidence.readings`, and for doctors and supervisors `who`: name, address, phone.

    `track_record` says how other alerts of the same device, and of the same rule, ended.
    """
    found, now = ports.desk.alert(staff, alert_id), ports.now()
    record = ports.truth.track_record(staff, alert_id, now)
    if found is None or record is None:
        raise NotFound("alert")
    proposed = [found["device"]] if record["device"]["swap_proposed"] else []
    added = {"group": group(found, proposed), "notify": notify(found, now)}
    return _answer(found | {"track_record": record} | added)


@router.get(
    "/{alert_id}/events",
    summary="The log of an alert",
    responses=shapes.answers(shapes.EventsShape, 401, 404),
)
def events(staff: SignedIn, ports: PortsGiven, alert_id: str) -> Answered:
    """Everything that happened to it, oldest first."""
    found = ports.desk.alert_events(staff, alert_id)
    if found is None:
        raise NotFound("alert")
    return JSONResponse({"items": found, "next": None})


DEED: Final = shapes.answers(shapes.AlertShape, 401, 403, 404, 409, 412)


@router.post("/{alert_id}/acknowledge", summary="I take this", responses=DEED)
def acknowledge(
    staff: Acting,
    ports: PortsGiven,
    alert_id: str,
    conditions: ConditionsGiven,
    body: shapes.Remark | None = None,
) -> Answered:
    """From open; the alert is then acknowledged and yours."""
    deed = conditions.deed(Kind.ACKNOWLEDGED, body)
    return done(ports.desk.act(staff, alert_id, deed, ports.now()))


@router.post("/{alert_id}/visit", summary="I am at the door", responses=DEED)
def visit(
    staff: Acting,
    ports: PortsGiven,
    alert_id: str,
    conditions: ConditionsGiven,
    body: shapes.Remark | None = None,
) -> Answered:
    """From open or acknowledged; the alert is then yours."""
    deed = conditions.deed(Kind.VISITED, body)
    return done(ports.desk.act(staff, alert_id, deed, ports.now()))


@router.post("/{alert_id}/outcome", summary="What was true", responses=DEED)
def outcome(
    staff: Acting,
    ports: PortsGiven,
    alert_id: str,
    conditions: ConditionsGiven,
    body: shapes.OutcomeReport,
) -> Answered:
    """From open, acknowledged or visiting. Closes the alert, unless nobody could be seen."""
    measured = body.model_dump(mode="json", include={"outcome", "temperature_c", "site"})
    detail = {name: value for name, value in measured.items() if value is not None}
    deed = conditions.deed(Kind.OUTCOME, body, detail)
    return done(ports.desk.act(staff, alert_id, deed, ports.now()))


def _seen_version(if_match: str | None) -> int | None:
    """The version that an entity tag names; one that no alert has where it is none of ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    word = if_match.strip().removeprefix("W/").strip('"')
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else _NEVER


def _words(name: str, given: str | None, known: Sequence[str]) -> list[str]:
    words = shapes.words_of(given)
    for word in words:
        if word not in known:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"/query/{name}: each must be one of {', '.join(known)}",
                "invalid",
            )
    return words


def done(answer: Answer) -> Answered:
    """The alert as the deed left it; raises the problem where it was not done."""
    match answer:
        case Done():
            return _answer(dict(answer.alert))
        case NotThere():
            raise NotFound("alert")
        case NoSuchMember():
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "/body/assignee: no doctor or supervisor of the alert's grid",
                "invalid",
            )
        case KeyReused():
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "this Idempotency-Key was used for another request",
                "key-reused",
            )
        case NotDone():
            overtaken = answer.overtaken
            raise Problem(
                HTTPStatus.PRECONDITION_FAILED if overtaken else HTTPStatus.CONFLICT,
                answer.reason,
                "overtaken" if overtaken else "refused-by-lifecycle",
                {"ETag": f'"{answer.version}"'},
                by=answer.by,
                at=answer.at,
                version=answer.version,
            )


def _answer(alert: dict[str, Any]) -> Answered:
    return JSONResponse(alert, headers={"ETag": f'"{alert["version"]}"'})
