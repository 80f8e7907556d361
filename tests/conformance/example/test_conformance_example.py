from ml_connector.conformance.testing import conformance
from tests.conformance.example.tally_world import TallyWorld

test_tally = conformance(TallyWorld())
