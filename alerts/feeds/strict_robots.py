"""WeCom's and DingTalk's robots, which answer 200 also to what they refuse.

apprise (2.3) takes any 200 of theirs for a delivered message. "Too many", a withdrawn robot, a
wrong signature and a forbidden word all come as a 200 with an `errcode`: the page would be on
record as delivered and on nobody's phone. apprise reads the address; the message is posted here,
and what came back is judged by `alerts.robots.answered`. Feishu's and Lark's do the same, and there
apprise looks.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from alerts.robots import Answered, answered

_MOST_BYTES: Final = 65_536
"""Of an answer; theirs have a hundred."""


def is_strict(scheme: str) -> bool:
    """Whether contacts of this scheme are written to from here."""
    return scheme in _POSTED


def post(scheme: str, plugin: Any, text: str, now: int) -> Answered:
    """One message to where `plugin`, which is apprise's, has read that it goes. Blocks.

    `now`: the real clock, microseconds; DingTalk refuses a signature of another hour.
    """
    url, params, payload = _POSTED[scheme](plugin, text, now)
    timeout = httpx.Timeout(plugin.socket_read_timeout, connect=plugin.socket_connect_timeout)
    try:
        with (
            httpx.Client(timeout=timeout, verify=plugin.verify_certificate) as client,
            client.stream("POST", url, params=params, json=payload) as answer,
        ):
            return answered(scheme, answer.status_code, _start_of(answer))
    except (httpx.HTTPError, httpx.InvalidURL):
        return Answered(taken=False)


def _start_of(answer: httpx.Response) -> bytes:
    read = b""
    for chunk in answer.iter_bytes():
        read += chunk
        if len(read) > _MOST_BYTES:
            break
    return read


def signature(secret: str, at: int) -> tuple[str, str]:
    """(timestamp, sign) as DingTalk's robots ask for, `at` in microseconds; to be encoded once.

    open.dingtalk.com/document/robots/customize-robot-security-settings. apprise's own is encoded
    twice by the time it is sent.
    """
    stamp = str(at // 1_000)
    mac = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return stamp, base64.b64encode(mac.digest()).decode()


_Posted = tuple[str, Mapping[str, str], Mapping[str, Any]]


def _wecom(plugin: Any, text: str, _: int) -> _Posted:
    url, _, key = plugin.api_url.partition("?key=")
    return url, {"key": key}, {"msgtype": "text", "text": {"content": text}}


def _dingtalk(plugin: Any, text: str, now: int) -> _Posted:
    url, _, token = plugin.notify_url.format(token=plugin.token).partition("?access_token=")
    params = {"access_token": token}
    if plugin.secret:
        params["timestamp"], params["sign"] = signature(plugin.secret, now)
    called = {"atMobiles": plugin.targets, "isAtAll": False}
    return url, params, {"msgtype": "text", "at": called, "text": {"content": text}}


_POSTED: Final[Mapping[str, Callable[[Any, str, int], _Posted]]] = {
    "wecombot": _wecom,
    "dingtalk": _dingtalk,
}
