from ml_connector.conformance.testing import conformance
from tests.conformance.sap_world import SapWorld

test_sap = conformance(SapWorld())
