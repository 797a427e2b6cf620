"""What our webhooks carry, verified by the `standardwebhooks` package of npm, as a receiver would.

That of PyPI verifies in `receiving.py`; it is what signs too, so another's word counts for more.
"""

import base64
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.delivery import Consumer, Sent
from alerts.feeds.webhook import WebhookSender, new_secret
from domain.instant import MINUTE_US
from doorstep.clock import SystemClock
from hatch_build import Node
from tests.integration.alerts.receiving import Had, receiving
from tests.services import node
from tests.unit.alerts.outboxes import message

SCRIPT = Path(__file__).with_name("verify_webhook.mjs")
SECRET, OLD = new_secret(), new_secret()
TOO_OLD, TOO_NEW = "Message timestamp too old", "Message timestamp too new"
FORGED = "No matching signature found"


@pytest.fixture(scope="session")
def npm() -> Node:
    return node.installed(page=False)


async def had(*secrets: str, clock_off_us: int = 0) -> Had:
    """What a receiver gets of one event, signed with these secrets."""
    with receiving() as receiver:
        sender = WebhookSender(lambda: SystemClock().now() + clock_off_us, private=True)
        config = {"url": receiver.url()}
        consumer = Consumer(1, "wh_1", "webhook", ("grid-1",), config, secrets)
        told = replace(message(7, "alert-1"), after={"building": "甲 3"})
        assert await sender.send(consumer, [told]) == Sent("204")
        (one,) = receiver.had
        return one


def refusals(npm: Node, *pairs: tuple[Had, str]) -> list[str]:
    """Why the package refuses each message with each secret; empty where it does not."""
    asked = [
        {
            "secret": secret,
            "headers": each.headers,
            "raw": base64.b64encode(each.raw).decode(),
        }
        for each, secret in pairs
    ]
    done = subprocess.run(
        [npm.program, str(SCRIPT), str(node.CONSOLE / "package.json")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: list[str] = json.loads(done.stdout)
    return said


def altered(one: Had, **headers: str) -> Had:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(one, headers={**one.headers, **changed})


async def test_what_we_sign_is_verified_and_nothing_else(npm: Node) -> None:
    one = await had(SECRET)
    assert "甲" in one.raw.decode()
    assert refusals(
        npm,
        (one, SECRET),
        (one, OLD),
        (replace(one, raw=one.raw.replace(b"alert-1", b"alert-2")), SECRET),
        (replace(one, raw=one.raw + b" "), SECRET),
        (altered(one, webhook_id="evt_8"), SECRET),
        (altered(one, webhook_timestamp=str(int(one.headers["webhook-timestamp"]) + 1)), SECRET),
        (altered(one, webhook_signature="v1," + base64.b64encode(bytes(32)).decode()), SECRET),
    ) == ["", *[FORGED] * 6]


async def test_while_a_secret_is_rotated_either_verifies(npm: Node) -> None:
    one = await had(SECRET, OLD)
    assert refusals(npm, (one, SECRET), (one, OLD), (one, new_secret())) == ["", "", FORGED]


@pytest.mark.parametrize(("minutes", "wanted"), [(-6, TOO_OLD), (-4, ""), (4, ""), (6, TOO_NEW)])
async def test_what_was_signed_at_another_time_is_refused(
    npm: Node, minutes: int, wanted: str
) -> None:
    one = await had(SECRET, clock_off_us=minutes * MINUTE_US)
    assert refusals(npm, (one, SECRET)) == [wanted]


def test_a_package_of_another_version_is_to_be_installed(tmp_path: Path) -> None:
    wanted = {"integrity": "sha512-new", "dev": True}
    for folder, integrity in ((tmp_path, "sha512-new"), (tmp_path / "node_modules", "sha512-old")):
        folder.mkdir(exist_ok=True)
        name = "package-lock.json" if folder == tmp_path else ".package-lock.json"
        packages = {"node_modules/a": {**wanted, "integrity": integrity}}
        (folder / name).write_text(json.dumps({"packages": packages}))
    assert node.missing(tmp_path) == ["node_modules/a"]
