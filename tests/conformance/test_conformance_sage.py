from ml_connector.conformance.testing import conformance
from tests.conformance.sage_world import SageWorld

test_sage = conformance(SageWorld())
