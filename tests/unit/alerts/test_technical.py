import pytest

from alerts.canary_watch import Cut, Grid, Hop
from alerts.notification import Language
from alerts.technical import Keeper, broken, mended
from rules.finding import Severity

GRIDS = tuple(Grid(no, f"grid-{no}") for no in range(1, 6))


@pytest.mark.parametrize("hop", Hop)
@pytest.mark.parametrize("language", Language)
def test_every_cut_has_words_in_every_language(hop: Hop, language: Language) -> None:
    cut = Cut(hop, GRIDS, everybody=True)
    text = broken(cut, language, "https://console.example")
    assert text.severity is Severity.URGENT
    assert "grid-1" in text.body
    assert "grid-4" not in text.body
    assert text.body.endswith("\nhttps://console.example")
    over = mended(cut, language)
    assert over.severity is Severity.ROUTINE
    assert over.body != text.body


def test_a_cut_of_no_grid_names_none() -> None:
    cut = Cut(Hop.DATABASE, (), everybody=True)
    assert "the database does not answer. " in broken(cut, Language.EN, "").body
    assert "数据库没有应答。" in broken(cut, Language.ZH, "").body


def test_it_concerns_whose_grids_are_cut() -> None:
    keeper = Keeper("sup-1", ("json://x",), ("zh",), frozenset({1, 9}))
    assert keeper.concerned(Cut(Hop.MQTT, GRIDS, everybody=False))
    assert not keeper.concerned(Cut(Hop.MQTT, GRIDS[1:], everybody=False))
    assert keeper.concerned(Cut(Hop.DATABASE, (), everybody=True))
