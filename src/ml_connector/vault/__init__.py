"""Secrets are never readable at rest. ``keys`` finds the master key, ``envelopes`` seals with it, ``rotation`` changes it.

The vault works on bytes and knows no database: sealed envelopes (``domain.sealed``) are what it hands out and takes in.
"""
