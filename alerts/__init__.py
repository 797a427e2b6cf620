"""Findings in, a doctor at the door out."""
