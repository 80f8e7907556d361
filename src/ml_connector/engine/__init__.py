"""What runs now, and where. Everything durable is in our own store, so an engine may be thrown away at any moment.

``interface`` is all that the rest of the program knows of it; ``embedded`` runs slices in this process; ``lock`` keeps two
embedded engines from one data folder; ``clock`` is the real clock.
"""
