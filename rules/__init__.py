"""Readings in, findings out. Pure: no clock, no socket, no SQL."""
