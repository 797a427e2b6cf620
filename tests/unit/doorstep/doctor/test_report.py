"""People see why and what to do where it is needed; programs see it always."""

from doorstep.doctor.check import fail, ok, warn
from doorstep.doctor.report import WIDTH, as_document, as_text

CHECKS = [
    ok("database.fsync", "on"),
    warn("broker.dropped", "3 since the broker started"),
    fail("broker.offline_queue", "1,000 of 1,100 confirmed messages came back"),
]


def test_only_what_is_not_ok_is_explained() -> None:
    text = as_text(CHECKS)
    assert text.count("why: ") == text.count("do:  ") == 2
    assert "Set fsync = on." not in text
    assert "FAIL  broker.offline_queue  1,000 of 1,100 confirmed" in text
    assert "WARN  broker.dropped        3 since" in text
    assert "ok    database.fsync        on\n" in text


def test_it_ends_with_a_count() -> None:
    assert as_text(CHECKS).splitlines()[-1] == "1 fail, 1 warn, 1 ok"
    assert as_text([]).splitlines()[-1] == "0 fail, 0 warn, 0 ok"


def test_explanations_are_folded() -> None:
    assert max(map(len, as_text(CHECKS).splitlines())) <= WIDTH


def test_the_document_has_everything() -> None:
    document = as_document(CHECKS)
    assert document["verdict"] == "fail"
    assert [item["verdict"] for item in document["items"]] == ["ok", "warn", "fail"]
    assert document["items"][0] == {
        "name": "database.fsync",
        "verdict": "ok",
        "seen": "on",
        "why": "Switched off, a power cut can destroy the whole database.",
        "remedy": "Set fsync = on.",
    }
