"""The crash runner: the real processes, a real broker and database, killed at random moments.

`python -m tests.crash --seed S --seconds N` runs one seeded schedule of faults against one broker,
waits until everything is healed, and holds what is stored against what was sent. `make crash` does
so for each broker, and then kills `serve` twenty times while alerts flow (`--serve`: only that).
"""
