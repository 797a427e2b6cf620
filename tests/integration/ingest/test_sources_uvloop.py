"""The contract again on uvloop, which the service runs on and whose transports differ."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from tests.integration.ingest import test_sources as contract
from tests.integration.ingest import test_sources_publish as publishing
from tests.integration.ingest.harness import Stage
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration


@pytest.fixture(params=["5", "3.1.1"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with Mosquitto() as broker:
        yield Stage(broker, request.param)


@pytest.mark.parametrize(
    "promise",
    [
        contract.test_after_a_clean_stop_the_confirmed_never_come_again,
        contract.test_after_a_cut_the_unconfirmed_come_again_and_the_confirmed_do_not,
        contract.test_stale_tokens_confirm_nothing_when_the_session_was_lost,
        contract.test_a_killed_broker_is_found_again,
        contract.test_paused_it_holds_back_and_stays_connected,
        contract.test_a_broker_that_falls_silent_is_left,
        contract.test_what_deliver_raises_comes_out_of_run,
        contract.test_a_cancelled_run_lets_go_of_its_connection,
        contract.test_stop_before_run_and_while_there_is_no_broker,
        publishing.test_notices_come_at_their_qos_in_order_while_readings_flow,
        publishing.test_never_more_under_way_than_the_bound,
    ],
)
def test_the_contract_on_uvloop(
    stage: Stage, promise: Callable[[Stage], Coroutine[Any, Any, None]]
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(promise(stage))
