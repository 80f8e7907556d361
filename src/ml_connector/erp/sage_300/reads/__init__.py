"""Reads: what plans are checked against, and what is followed. Nothing here writes."""
