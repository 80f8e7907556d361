from ml_connector.conformance.testing import conformance
from tests.conformance.sage_world import SageWorld

test_sage_receivables = conformance(SageWorld("AR"))
test_sage_order_entry = conformance(SageWorld("OE"))
