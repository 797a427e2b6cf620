"""`/docs`: the description of the API as one page, made from `/openapi.json`. No script, no CDN."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import HTMLResponse, PlainTextResponse, Response

_STYLE: Final = """\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; font-size: 1.1rem; } h2 code { font-size: 1rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 0.15rem 1rem 0.15rem 0; }
"""


def install(app: FastAPI) -> None:
    """Serves the page and its style."""

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse("\n".join(_page(app.openapi())))

    @app.get("/docs/style.css", include_in_schema=False)
    def style() -> Response:
        return PlainTextResponse(_STYLE, media_type="text/css")


def _page(openapi: Mapping[str, Any]) -> Iterator[str]:
    info = openapi["info"]
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield f"<title>{escape(info['title'])}</title>"
    yield '<link rel="stylesheet" href="/docs/style.css"></head><body>'
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
    yield f"<p>{escape(info['description'])}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>'
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method.upper(), path, operation)
    yield "</body></html>"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method} {escape(path)}</code></h2>"
    yield f"<p><b>{escape(operation.get('summary', ''))}</b></p>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "<table><tr><th>parameter</th><th>in</th><th></th></tr>"
        for each in parameters:
            said = each.get("description") or each["schema"].get("description", "")
            yield f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td>"
            yield f"<td>{escape(said)}</td></tr>"
        yield "</table>"
    body = operation.get("requestBody")
    if body:
        yield f"<p>Body: {escape(_named(body))}</p>"
    answers = ", ".join(
        f"{status} {_named(answer)}".strip() for status, answer in operation["responses"].items()
    )
    yield f"<p>Answers: {escape(answers)}</p>"


def _named(content: Mapping[str, Any]) -> str:
    """The names of the shapes that a body or an answer refers to."""
    refs = str(content.get("content", {})).split("#/components/schemas/")[1:]
    return ", ".join(dict.fromkeys(ref.split("'")[0] for ref in refs))
