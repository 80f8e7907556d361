"""The command line. Each file is one noun of it; ``main`` puts them together, ``output`` speaks to people and programs.

Modules here import nothing heavy at the top: ``--help`` must answer at once.
"""
