"""One line of JSON for each record, whatever is in it."""

import json
import logging

from doorstep.logs import JsonLines, PlainLines


def _record(message: str, **extra: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "ingest.runner", "levelno": 30, "levelname": "WARNING"})
    record.msg = message
    record.__dict__.update(extra)
    return record


def test_a_record_is_one_json_object_on_one_line() -> None:
    line = JsonLines().format(_record("two\nlines", reason="x\ny", generation=3))
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["message"], fields["reason"], fields["generation"]) == ("two\nlines", "x\ny", 3)
    assert fields["level"] == "warning"


def test_an_exception_stays_on_the_line() -> None:
    record = _record("broken")
    error = ZeroDivisionError("division by zero")
    record.exc_info = (type(error), error, None)
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "ZeroDivisionError" in json.loads(line)["exception"]


def test_a_person_reads_key_and_value() -> None:
    assert PlainLines().format(_record("hello", count=2)).endswith("ingest.runner: hello count=2")
