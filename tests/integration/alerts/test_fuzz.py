"""Anything that fits the description of the API, and much that does not, is answered as described.

`/openapi.json` is read by Schemathesis, which makes requests of every operation, good and bad ones,
and holds each answer against the description: status, headers, media type, shape.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.alerts.world import Server, World

CHECKS: Final = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
)


@dataclass(frozen=True)
class Rule:
    """What no schema says, and good data may break."""

    operation: str
    """The beginning of its label."""
    status: int
    words: str
    """That the answer has."""
    why: str


RULES: Final = (
    Rule("GET /api/v1/", 422, "this cursor was not given out", "cursors are given, not made"),
    Rule("POST /api/v1/alerts/", 412, "version", "which version there is changes all the time"),
    Rule("POST /api/v1/alerts/", 422, "key-reused", "a key stands for the request it came with"),
    Rule(
        "POST /api/v1/alerts/{alert_id}/assign",
        422,
        "no doctor or supervisor of the alert's grid",
        "who goes to a grid's doors is in the roster",
    ),
    Rule(
        "GET /api/v1/episodes/{episode_id}/readings",
        422,
        "from .. to must be 0 to 31 days",
        "two parameters, one of which may be now, are held against each other",
    ),
    Rule("GET /api/v1/rules/accuracy", 422, "from .. to must be", "the same"),
    Rule("GET /api/v1/reports/daily", 422, "/query/date", "the day has to have begun, since 2000"),
    Rule("POST /api/v1/webhooks", 422, '"url: ', "where a webhook may lead is looked up"),
    Rule("PATCH /api/v1/webhooks/", 422, '"url: ', "the same"),
)
ENDLESS: Final = ("/api/v1/alerts/stream",)
"""Never answered to the end; tests of the stream hold it to its description."""
EXAMPLES: Final = 20
THERE: Final = {"alert_id": "alert-1", "episode_id": "e-1"}
"""What there is, asked for every other time."""


def operations(server: Server) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path not in ENDLESS:
            yield operation


# The server answers from a thread of this process, whose connection pool draws from `random`:
# Hypothesis cannot tell that from a strategy that does.
@pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)
@pytest.mark.parametrize("staff", ["dr-1", "sup-1"])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_described(
    server: Server, world: World, mode: GenerationMode, staff: str
) -> None:
    world.raise_alert(1)
    headers = {"Authorization": f"Bearer {world.token(staff)}"}
    asked: dict[str, int] = {}
    for operation in operations(server):
        _ask(operation, mode, headers, asked)
    assert sum(asked.values()) > 10 * len(asked)
    assert len(asked) > 20


def _by_a_rule(check: object, operation: str, answer: Response) -> bool:
    """Whether good data was refused for what no schema says, or bad data before it was read."""
    if check is negative_data_rejection:
        return answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return check is positive_data_acceptance and any(
        operation.startswith(rule.operation)
        and answer.status_code == rule.status
        and rule.words in answer.text
        for rule in RULES
    )


def _ask(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    headers: dict[str, str],
    asked: dict[str, int],
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answered(case: Case[Any]) -> None:
        number = asked.get(operation.label, 0)
        asked[operation.label] = number + 1
        if mode is GenerationMode.POSITIVE and number % 2:
            known = {name: THERE[name] for name in case.path_parameters if name in THERE}
            case.path_parameters |= known
        answer = case.call(headers=headers, timeout=10)
        checks = [each for each in CHECKS if not _by_a_rule(each, operation.label, answer)]
        case.validate_response(answer, checks=checks)

    try:
        answered()
    except Unsatisfiable:
        # Nothing can be wrong about a request without parameters.
        assert mode is GenerationMode.NEGATIVE
