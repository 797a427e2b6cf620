from alerts.discretion import without_positions


def test_positions_are_dropped_at_any_depth() -> None:
    document = {
        "id": "a",
        "lat": 32.06,
        "evidence": {
            "value": 38.4,
            "Home": {"lat": 1},
            "readings": [{"lon": 118.7, "temperature_c": 38.4}, 7],
            "fix": [32.06, 118.79],
        },
    }
    assert without_positions(document) == {
        "id": "a",
        "evidence": {"value": 38.4, "readings": [{"temperature_c": 38.4}, 7]},
    }


def test_what_names_no_place_stays_as_it_is() -> None:
    document = {"building": "3", "evidence": {"fence_m": 50, "origin": "rulebook"}, "late": False}
    assert without_positions(document) == document
