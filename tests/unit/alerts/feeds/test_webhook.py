import pytest
from standardwebhooks import Webhook

from alerts.feeds.webhook import document, new_secret, retry_after_s, signed
from domain.instant import parse_rfc3339
from doorstep.clock import SystemClock
from tests.unit.alerts.outboxes import message

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
BODY = '{"type":"new","summary":"体温 38.4 °C"}'


def test_a_signature_is_one_that_the_package_of_standard_webhooks_takes() -> None:
    secret = new_secret()
    headers = signed([secret], "evt_1", SystemClock().now(), BODY)
    assert Webhook(secret).verify(BODY, headers) == {"type": "new", "summary": "体温 38.4 °C"}


def test_while_two_secrets_count_either_verifies() -> None:
    new, old = new_secret(), new_secret()
    headers = signed([new, old], "evt_1", SystemClock().now(), BODY)
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (new, old):
        Webhook(secret).verify(BODY, headers)


def test_the_example_of_the_specification() -> None:
    """From the specification's own test vectors."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signed(
        [secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330_000_000, '{"test": 2432232314}'
    )
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_new_each_time_and_long_enough() -> None:
    assert new_secret() != new_secret()
    assert len(new_secret()) == len("whsec_") + 44


def test_a_body_names_what_it_is_about() -> None:
    assert document(message(7, "alert-1")) == {
        "id": "evt_7",
        "event": 7,
        "type": "update",
        "kind": "revised",
        "alert": "alert-1",
        "grid": "grid-1",
        "before": None,
        "after": {},
    }


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("0", 0.0),
        ("9" * 50, 9_999_999_999.0),
        ("Tue, 03 Feb 2026 04:06:06 GMT", 60.0),
        ("Tue, 03 Feb 2026 04:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("²", None),
        ("Tue, 03 Feb 2026 04:06:06", None),
    ],
)
def test_what_retry_after_may_say(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds
