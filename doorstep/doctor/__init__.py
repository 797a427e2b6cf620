"""`doorstep doctor`: looks at what the service stands on, and says what would break a promise.

Probes (`broker`, `queue_probe`, `database`, `machine`) find facts and judge nothing; `*_checks`
judge facts and touch nothing; `catalogue` says why each check matters and what to do.
"""
