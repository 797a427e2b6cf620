from alerts.subscription import Subscription, each_once, trial, webhook_of
from domain.instant import parse_rfc3339


def test_a_webhook_names_each_grid_once() -> None:
    made = webhook_of("wh_1", "https://a.example/", "desk", (3, 1, 3), "sup-1")
    assert made == Subscription(
        "wh_1", "webhook", "desk", (3, 1), {"url": "https://a.example/"}, "sup-1"
    )


def test_the_order_stays() -> None:
    assert each_once((2, 1, 2, 1)) == (2, 1)


def test_a_test_message_is_about_no_event() -> None:
    at = parse_rfc3339("2026-02-03T04:05:06Z")
    assert trial("test_1", "wh_1", at) == {
        "id": "test_1",
        "event": None,
        "type": "test",
        "at": "2026-02-03T04:05:06Z",
        "webhook": "wh_1",
    }
