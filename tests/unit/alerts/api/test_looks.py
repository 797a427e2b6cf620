from alerts.api.looks import ENTRIES, EVERY_US, Looks

NOW = 1_770_000_000_000_000


def test_the_same_look_is_entered_again_after_a_while() -> None:
    looks = Looks()
    assert looks.due(("dr-1", "grid=grid-1"), NOW)
    looks.entered(("dr-1", "grid=grid-1"), NOW)
    assert not looks.due(("dr-1", "grid=grid-1"), NOW + EVERY_US - 1)
    assert looks.due(("dr-1", "grid=grid-1"), NOW + EVERY_US)


def test_looking_on_does_not_put_it_off() -> None:
    looks = Looks()
    looks.entered(("dr-1",), NOW)
    for minute in range(1, 10):
        assert not looks.due(("dr-1",), NOW + minute * EVERY_US // 10)
    assert looks.due(("dr-1",), NOW + EVERY_US)


def test_another_look_or_somebody_elses_is_one_of_its_own() -> None:
    looks = Looks()
    looks.entered(("dr-1", "grid=grid-1"), NOW)
    assert looks.due(("dr-1", "grid=grid-2"), NOW)
    assert looks.due(("dr-2", "grid=grid-1"), NOW)


def test_what_could_not_be_entered_is_due_still() -> None:
    looks = Looks()
    assert looks.due(("dr-1",), NOW)
    assert looks.due(("dr-1",), NOW + 1)


def test_only_so_many_are_remembered_and_forgetting_enters_more_not_less() -> None:
    looks = Looks()
    for number in range(ENTRIES + 1):
        looks.entered((number,), NOW)
    assert looks.due((0,), NOW)
    assert not looks.due((1,), NOW)
