"""The one place that wires: everything below meets here, and nothing here does the work itself.

``house`` opens a data folder, ``connections`` and ``links`` keep what people set up, ``work`` is what the engine runs,
``records`` shows what became of it, ``reports`` are the shapes in which callers are told.
"""

from ml_connector.app.program import App

__all__ = ["App"]
