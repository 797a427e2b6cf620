"""Which bound a line names: the one that the severity comes from.

Pure. A finding keeps the bound that its first reading crossed, by which it began (`Finding.limit`);
a critical one has crossed a second, and that is what a doctor has to see beside 88 %. Both follow
from the finding and the rulebook that judged it; where that is not known, the first is named.
"""

from domain.instant import to_datetime
from rules.finding import Finding, Rule, Severity
from rules.news2 import child_band
from rules.rulebook import Pulse, Rulebook


def named(finding: Finding, book: Rulebook | None, birth_year: int | None) -> int:
    """The bound of its severity, in the finding's whole unit."""
    if book is None or finding.severity is not Severity.CRITICAL:
        return finding.limit
    if finding.key.rule is Rule.OXYGEN and finding.peak <= book.oxygen.very_low_pct:
        return book.oxygen.very_low_pct
    if finding.key.rule is Rule.PULSE:
        return _pulse(finding, book.pulse, birth_year)
    return finding.limit


def critical_from(finding: Finding, book: Rulebook | None) -> int | None:
    """From where a fever is critical, where it is: said beside its threshold, which has an origin.

    In centi-degrees; None for all else.
    """
    if book is None or finding.key.rule is not Rule.FEVER:
        return None
    return book.fever.critical_cc if finding.severity is Severity.CRITICAL else None


def _pulse(finding: Finding, figures: Pulse, birth_year: int | None) -> int:
    """The bound of three points on the side of the worst pulse: as in `rules.pulse`."""
    age = None if birth_year is None else to_datetime(finding.last_at).year - birth_year
    band = None if age is None or age < 0 else child_band(age)
    low, very_high = (
        (figures.low_bpm, figures.very_high_bpm) if band is None else (band.low, band.very_high)
    )
    if finding.peak <= low:
        return low
    return very_high if finding.peak >= very_high else finding.limit
