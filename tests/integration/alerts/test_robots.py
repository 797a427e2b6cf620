"""Chat robots that refuse with a 200: that is noticed, and no page is taken for delivered."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts.feeds.contact import robot, tell
from alerts.notification import Text
from alerts.robots import Answered
from domain.instant import MINUTE_US
from rules.finding import Severity
from tests.integration.alerts.robots_host import DINGTALK, WECOM, Host, robots_host
from tests.integration.alerts.world import NOW

TEXT = Text("Doorstep: urgent", "Urgent: W*, building 5: temperature", Severity.URGENT)
SECRET = "SEC0123456789abcdef"
FEISHU = "/open-apis/bot/v2/hook/tokentokentoken/"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with robots_host(tmp_path) as host:
        for name, value in host.env.items():
            monkeypatch.setenv(name, value)
        yield host


def said(host: Host) -> tuple[dict[str, list[str]], object]:
    """Query and body of the only request."""
    (had,) = host.receiver.had
    return parse_qs(urlsplit(had.path).query), json.loads(had.raw)


def test_wecom_takes_a_message(host: Host) -> None:
    host.answer(WECOM, b'{"errcode":0,"errmsg":"ok"}')
    assert tell("wecombot://a-key", TEXT, NOW) == Answered(taken=True)
    query, body = said(host)
    assert query == {"key": ["a-key"]}
    assert body == {"msgtype": "text", "text": {"content": f"{TEXT.title}\n{TEXT.body}"}}


def test_dingtalk_takes_a_message_with_its_signature(host: Host) -> None:
    host.answer(DINGTALK, b'{"errcode":0,"errmsg":"ok"}')
    assert tell(f"dingtalk://{SECRET}@token/13800138000", TEXT, NOW) == Answered(taken=True)
    query, body = said(host)
    stamp = str(NOW // 1_000)
    mac = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
    sign = base64.b64encode(mac).decode()
    assert query == {"access_token": ["token"], "timestamp": [stamp], "sign": [sign]}
    assert body == {
        "msgtype": "text",
        "at": {"atMobiles": ["13800138000"], "isAtAll": False},
        "text": {"content": f"{TEXT.title}\n{TEXT.body}"},
    }


def test_dingtalk_without_a_secret_signs_nothing(host: Host) -> None:
    host.answer(DINGTALK, b'{"errcode":0}')
    assert tell("dingtalk://token", TEXT, NOW).taken
    assert said(host)[0] == {"access_token": ["token"]}


@pytest.mark.parametrize(
    ("address", "path", "status", "body", "answered"),
    [
        ("wecombot://k", WECOM, 200, b'{"errcode":45009}', Answered(False, MINUTE_US)),
        ("wecombot://k", WECOM, 200, b'{"errcode":93000}', Answered(False)),
        ("wecombot://k", WECOM, 200, b"<html>sign in here</html>", Answered(False)),
        ("wecombot://k", WECOM, 502, b'{"errcode":0}', Answered(False)),
        ("dingtalk://t", DINGTALK, 200, b'{"errcode":130101}', Answered(False, 10 * MINUTE_US)),
        ("dingtalk://t", DINGTALK, 302, b"", Answered(False, 10 * MINUTE_US)),
        ("feishu://tokentokentoken", FEISHU, 200, b'{"code":11232}', Answered(False)),
        ("feishu://tokentokentoken", FEISHU, 200, b'{"code":0}', Answered(True)),
    ],
)
def test_what_is_refused_with_a_200_is_not_taken(
    host: Host, address: str, path: str, status: int, body: bytes, answered: Answered
) -> None:
    host.answer(path, body, status)
    assert tell(address, TEXT, NOW) == answered
    assert len(host.receiver.had) == 1


def test_an_answer_without_end_is_not_read_to_it(host: Host) -> None:
    host.receiver.answers[f"{WECOM}?key=k"] = (200, {"Transfer-Encoding": "chunked"})
    assert tell("wecombot://k", TEXT, NOW) == Answered(taken=False)


def test_a_robot_that_is_not_there_is_not_taken(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert tell("wecombot://k", TEXT, NOW) == Answered(taken=False)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("wecombot://key", "wecombot://key/?format=text", True),
        ("wecombot://key", "wecombot://other", False),
        ("dingtalk://token", "dingtalk://token/13800138000", True),
        ("mailto://u:p@example.org?to=a@example.org", "mailto://u:p@example.org", False),
        ("nonsense", "nonsense", True),
    ],
)
def test_two_addresses_of_a_robot_are_one_robot(one: str, other: str, same: bool) -> None:
    assert (robot(one) == robot(other)) is same
