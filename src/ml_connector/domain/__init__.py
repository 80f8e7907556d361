"""Frozen data and protocols. No I/O, no clock, no database, no float.

Every other room may import this one; this one imports none of ours.
Read in this order: ``money``, ``settlements``, ``mapping``, ``documents``, ``keys``, ``catalog``, ``target``.
"""
