"""The console's files: the page at `/`, and what it loads, which never changes under one name."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from typing_extensions import override

from alerts.api.problems import NotFound

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_MISSING: Final = (
    "The page has not been built. In a checkout, `make setup` builds it;"
    " the API is at /api/v1 and described at /docs.\n"
)


class _Assets(StaticFiles):
    """Files whose names carry a hash of what is in them."""

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = _FOR_EVER
        return response


def install(app: FastAPI, folder: Path) -> None:
    """Serves the built page from a folder; without one, `/` says what to do."""
    index = folder / "index.html"

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        if not index.is_file():
            return PlainTextResponse(_MISSING, status_code=503)
        return FileResponse(index, headers=Headers({"Cache-Control": "no-cache"}))

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon() -> Response:
        raise NotFound("file")

    app.mount("/assets", _Assets(directory=folder / "assets", check_dir=False), name="assets")
