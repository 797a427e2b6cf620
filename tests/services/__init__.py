"""Real servers for tests: PostgreSQL, TimescaleDB, Mosquitto, NATS, Doorstep itself, a TCP proxy.

Each starts on a free loopback port with a folder of its own, can be stopped, killed and restarted,
and fails with the end of its log. Nothing is skipped: what is not installed fails and says what to
run.
"""
