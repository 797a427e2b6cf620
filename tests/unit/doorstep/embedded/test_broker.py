import json
from pathlib import Path

from doorstep.embedded import broker


def test_it_listens_on_loopback_and_syncs_before_it_confirms() -> None:
    login = broker.Login("doorstep", 'p"w')
    text = broker.configuration(1883, Path("/data/数据/broker"), Path("/data/log"), login)
    made = json.loads(text)
    assert made["host"] == made["mqtt"]["host"] == "127.0.0.1"
    assert made["mqtt"]["port"] == 1883
    assert made["mqtt"]["ack_wait"] == "2s"
    assert made["mqtt"]["max_ack_pending"] == 2000
    assert made["jetstream"]["sync_interval"] == "always"
    assert made["authorization"]["users"] == [{"user": "doorstep", "password": 'p"w'}]
    # Its language knows no \u escapes.
    assert "/data/数据/broker" in text


def test_without_a_login_everybody_may_come() -> None:
    assert "authorization" not in broker.configuration(1, Path("/b"), None, None)


def test_nobody_there_is_no_answer() -> None:
    assert not broker.answers(1, None)
