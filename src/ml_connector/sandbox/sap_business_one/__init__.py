"""A simulated SAP Business One Service Layer (``/b1s/v1`` and ``/b1s/v2``) with one company behind it.

Written from the SAP Business One dossier; ``README.md`` says what is served. Reached under ``/sap_business_one``;
``System.control`` is a :class:`~ml_connector.sandbox.sap_business_one.control.Control`. Names of operations in a fault plan,
the same for both versions: ``Login``, ``Logout``,
``$batch``, ``$metadata``, ``<Set>.GET|POST|PATCH|DELETE``, ``<Set>.<Action>``, the name of a service operation, ``ping``;
inside a batch ``$batch/<Set>.POST`` and so on.
"""

from ml_connector.sandbox.sap_business_one.app import NAME, build
from ml_connector.sandbox.sap_business_one.control import Control
from ml_connector.sandbox.sap_business_one.switches import SWITCHES

__all__ = ["NAME", "SWITCHES", "Control", "build"]
