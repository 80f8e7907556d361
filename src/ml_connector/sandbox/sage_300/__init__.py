"""A simulated Sage 300 Web API with one company behind it: general ledger, receivables, order entry, inventory.

Written from the Sage 300 dossier. Reached under ``/sage_300``; ``System.control`` is a
:class:`~ml_connector.sandbox.sage_300.control.Control`. Names of operations in a fault plan: ``<Resource>.GET|POST|PUT|PATCH|
DELETE``, ``<Resource>.$process``, ``<Resource>.$template``, ``$metadata``.
"""

from ml_connector.sandbox.sage_300.app import NAME, build
from ml_connector.sandbox.sage_300.control import Control
from ml_connector.sandbox.sage_300.switches import SWITCHES

__all__ = ["NAME", "SWITCHES", "Control", "build"]
