from ml_connector.conformance.testing import conformance
from tests.conformance.sage_world import SageWorld

_COPY = {"copied_by_hand-RC": "A receipt batch that a person copied is not seen beside ours."}

test_sage_receivables = conformance(SageWorld("AR"), _COPY)
test_sage_order_entry = conformance(SageWorld("OE"), _COPY)
