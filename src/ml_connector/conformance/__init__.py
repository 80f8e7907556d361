"""The conformance suite: what every connector promises, held against it and a simulated system.

Shipped, and used by nobody in the product: a connector's own tests call it (:mod:`ml_connector.conformance.testing`) with a
:class:`~ml_connector.conformance.world.World`. It knows no connector and no simulator.
"""
