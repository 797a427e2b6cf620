from doorstep.embedded.orphans import watch


def test_what_was_not_forgotten_is_left() -> None:
    assert watch(["+10 9\n", "+11 3\n", "-10\n", "+12 9\n"]) == {11: 3, 12: 9}


def test_forgetting_twice_is_fine() -> None:
    assert watch(["+10 9\n", "-10\n", "-10\n"]) == {}
