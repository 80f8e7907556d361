"""Puts the checkout on the path, so that tests can share code from ``tests/support``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
