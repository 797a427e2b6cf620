"""The round of deadlines: goes on while there is more, waits out an outage, hides nothing else."""

import asyncio

import pytest

from doorstep import deadlines
from doorstep.process import PASSING
from store.deadlines import AT_ONCE
from store.errors import StoreUnreachable


class Broken(Exception):
    """A mistake of ours."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "EVERY_S", 0.0)


def test_it_outlasts_an_outage_and_ends_with_what_is_no_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers: list[int | Exception] = [
        0,
        StoreUnreachable("away"),
        StoreUnreachable("still away"),
        AT_ONCE,
        3,
        StoreUnreachable("away again"),
        Broken(),
    ]

    def fire() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(Broken):
        asyncio.run(deadlines.keep(fire, PASSING))
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said == ["cannot look for deadlines"] * 2, "once an outage"
