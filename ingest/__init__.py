"""Bytes in, committed batches out."""
