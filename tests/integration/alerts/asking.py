"""Requests as tests make them, and refusals as they must look."""

import json
from typing import Any

import httpx


def post(
    client: httpx.Client, alert: str, deed: str, body: Any = None, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None:
        return client.post(f"/api/v1/alerts/{alert}/{deed}", headers=named)
    # Not httpx's own JSON, which refuses to send what the service must refuse to take.
    named["Content-Type"] = "application/json"
    content = json.dumps(body)
    return client.post(f"/api/v1/alerts/{alert}/{deed}", content=content, headers=named)


def problem(answer: httpx.Response, status: int, kind: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status
    assert said["title"]
    assert said["detail"]
    assert said["type"] == (f"urn:doorstep:problem:{kind}" if kind else "about:blank")
    return said
