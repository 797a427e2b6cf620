"""What people do with alerts besides the three buttons: a note, handing over, taking back."""

from fastapi import APIRouter
from starlette.responses import Response as Answered

from alerts.api import shapes
from alerts.api.alerts import DEED, ConditionsGiven, done
from alerts.api.auth import Acting, PortsGiven
from alerts.lifecycle import Kind

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.post("/{alert_id}/note", summary="A word for the log", responses=DEED)
def note(
    staff: Acting,
    ports: PortsGiven,
    alert_id: str,
    conditions: ConditionsGiven,
    body: shapes.Comment,
) -> Answered:
    """Whatever the alert's state, also after it is closed. Moves nothing, not even the version."""
    deed = conditions.deed(Kind.NOTED, body)
    return done(ports.desk.act(staff, alert_id, deed, ports.now()))


@router.post("/{alert_id}/assign", summary="This is theirs now", responses=DEED)
def assign(
    staff: Acting,
    ports: PortsGiven,
    alert_id: str,
    conditions: ConditionsGiven,
    body: shapes.Assignment | None = None,
) -> Answered:
    """Takes the alert over, or gives it to somebody of its grid. The response stays as it is."""
    deed = conditions.deed(Kind.ASSIGNED, body)
    return done(ports.desk.act(staff, alert_id, deed, ports.now()))


@router.post("/{alert_id}/undo", summary="That was a mistake", responses=DEED)
def undo(staff: Acting, ports: PortsGiven, alert_id: str, conditions: ConditionsGiven) -> Answered:
    """Takes back your own last deed, within a minute, as long as nobody acted since."""
    deed = conditions.deed(Kind.UNDONE, None)
    return done(ports.desk.act(staff, alert_id, deed, ports.now()))
