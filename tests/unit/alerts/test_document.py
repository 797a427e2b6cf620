import json

from alerts.alert import Condition, Outcome, Response
from alerts.api.shapes import AlertShape
from alerts.document import document
from rules.finding import Severity
from tests.unit.alerts.cases import WHERE, alert, at

CONTRACT = (
    "id,episode,person,grid,device,rule,severity,condition,response,outcome,raised_at,onset_at,"
    "cleared_at,last_at,late,summary,evidence,assignee,deadline_at,previous,version"
)


def test_an_alert_has_every_word_of_the_contract_and_few_of_its_own() -> None:
    said = document(alert(), WHERE)
    assert {*said} == {*CONTRACT.split(","), "building", "vulnerable", "told"}
    assert (said["severity"], said["condition"], said["response"]) == ("urgent", "active", "open")
    assert said["raised_at"] == "2026-02-02T02:50:00Z"
    assert (said["outcome"], said["cleared_at"]) == (None, None)
    json.dumps(said)


def test_its_description_fits() -> None:
    closed = alert(
        response=Response.CLOSED,
        condition=Condition.CLEARED,
        cleared_at=at(12),
        outcome=Outcome.WELL,
        assignee="dr-1",
        severity=Severity.CRITICAL,
    )
    for each in (alert(), closed):
        said = document(each, WHERE)
        shape = AlertShape.model_validate(said)
        # `notify` depends on when it is said.
        assert {*AlertShape.model_fields} == {*said, "notify"}
        assert shape.model_extra == {}
