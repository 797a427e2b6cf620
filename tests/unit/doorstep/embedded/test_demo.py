import pytest

from domain.instant import DAY_US, HOUR_US, SECOND_US, format_rfc3339
from doorstep.embedded import demo
from doorstep.embedded.errors import CannotStart
from simulator import scenario

NOW = 1_770_000_000 * SECOND_US + 123_456


START = (NOW // SECOND_US + 480) * SECOND_US
STATE = {"demo_start_at": format_rfc3339(START)}


def test_the_first_start_begins_a_story_when_everything_is_up() -> None:
    story = demo.story({}, NOW, 60.0)
    assert story.begins
    assert story.start_at == START


def test_a_later_start_goes_on_with_it() -> None:
    story = demo.story(STATE, START + 3 * DAY_US, 60.0)
    assert not story.begins
    assert story.words() == demo.story({}, NOW, 60.0).words()


def test_when_all_that_was_planned_has_happened_a_new_one_begins() -> None:
    late = START + scenario.HORIZON_US
    story = demo.story(STATE, late, 60.0)
    assert story.begins
    assert story.start_at >= late


@pytest.mark.parametrize("damage", ["yesterday", 7])
def test_damage_is_said(damage: object) -> None:
    with pytest.raises(CannotStart, match="demo_start_at"):
        demo.story({"demo_start_at": damage}, NOW, 60.0)


def test_the_scenario_is_there_and_plans_far_enough() -> None:
    assert demo.SCENARIO in scenario.SCENARIOS
    assert scenario.HORIZON_US - demo.LASTS_US >= HOUR_US


def test_the_greeting_says_how_to_sign_in_and_what_will_happen() -> None:
    first = "\n".join(demo.greeting("http://127.0.0.1:8080", "pass-word", 60.0, begins=True))
    assert "http://127.0.0.1:8080/" in first
    assert "dr-01" in first
    assert "pass-word" in first
    assert "within a minute somebody gets a fever" in first
    assert "within a minute" not in " ".join(demo.greeting("http://h", "p", 5.0, begins=True))
    assert "go on where they were" in " ".join(demo.greeting("http://h", "p", 60.0, begins=False))
