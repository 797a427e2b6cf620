"""A roster file without a database: the same checks, the same people."""

from typing import Any

import pytest

from domain.instant import parse_rfc3339
from domain.people import Home, Threshold
from domain.reading import Datum, Site
from store.roster_document import RosterRefused
from store.roster_people import cast

FROM = "2026-02-01T00:00:00Z"


def document(**changed: Any) -> dict[str, Any]:
    return {
        "communities": [{"id": "c", "timezone": "Asia/Urumqi"}],
        "grids": [{"id": "g", "community": "c"}, {"id": "g2"}],
        "people": [{"id": "p", "birth_year": 1948, "flags": ["chronic"]}],
        "devices": [{"id": "w-1", "site": "wrist"}, {"id": "w-2", "spot": True}],
        "episodes": [
            {
                "id": "e",
                "person": "p",
                "grid": "g",
                "building": "3",
                "starts_at": FROM,
                "ends_at": "2026-02-15T00:00:00Z",
                "home": {"lat": 32.06, "lon": 118.79, "datum": "gcj02"},
                "thresholds": {"fever_c": 37.1},
                "leave": [{"from": FROM, "to": "2026-02-01T01:00:00Z", "why": "swab"}],
            }
        ],
        "assignments": [{"device": "w-1", "episode": "e", "from": FROM, "to": None}],
    } | changed


def test_people_as_the_file_has_them() -> None:
    found = cast(document())
    assert found.roster.devices["w-1"].site is Site.WRIST
    assert found.roster.devices["w-2"].spot
    episode = found.roster.episodes[1]
    assert (episode.timezone, episode.birth_year, episode.flags) == (
        "Asia/Urumqi",
        1948,
        ("chronic",),
    )
    assert episode.home == Home(Datum.GCJ02, 32.06, 118.79, 50.0)
    assert episode.fever == {
        Site.AXILLARY: Threshold(3710, "person"),
        Site.FOREHEAD: Threshold(3710, "person"),
    }
    assert episode.leave[0].why == "swab"
    assigned = found.roster.assigned(1, parse_rfc3339(FROM))
    assert assigned is not None
    where = found.surroundings[1]
    assert (where.grid, where.building, where.fence_m) == ("g", "3", 50.0)
    assert where.devices[1].id == "w-1"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"people": []}, "/episodes/0/person"),
        ({"devices": 5}, "/devices"),
        ({"grids": [{"id": "g"}, {"id": "g", "name": "x"}]}, "/grids/1/id"),
        (
            {
                "assignments": [
                    {"device": "w-1", "episode": "e", "from": FROM, "to": None},
                    {"device": "w-1", "episode": "e", "from": "2026-02-02T00:00:00Z", "to": None},
                ]
            },
            "/assignments",
        ),
    ],
)
def test_what_an_import_refuses_is_refused(changed: dict[str, Any], pointer: str) -> None:
    with pytest.raises(RosterRefused) as refused:
        cast(document(**changed))
    assert pointer in [at for at, _ in refused.value.problems]
