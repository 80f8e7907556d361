"""Simulators of the outside systems, and the world they live in.

Written from the dossiers, not from our connectors: this room imports the standard library and the web framework only.
``world.World`` builds every system on one clock, one seed and one ledger; ``serve.serve`` puts them on a loopback port.
"""
