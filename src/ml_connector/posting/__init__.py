"""Posting is convergence: look, decide, do one write, look again (DESIGN 3.2).

``equality`` compares what a target shows with what it should show; ``trail`` reads what was tried; ``decide`` is the pure
heart; ``sets`` lets nothing of a settlement count before all of it may; ``permit`` gives leave for one write; ``loop`` drains
the documents of one connection; ``approvals`` is where a person says yes or again.

This room knows the domain and the store, no ERP, no Amazon, no HTTP.
"""
