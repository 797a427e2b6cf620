"""Ends a run with how many worlds there were, and what befell them."""

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Sums up what the worlds have recorded."""
    seen: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, times in report.user_properties:
            if isinstance(times, int):
                seen[name] += times
    if seen:
        told = ", ".join(f"{times:,} {name}" for name, times in seen.most_common())
        terminalreporter.write_line(f"simulated: {told}")
