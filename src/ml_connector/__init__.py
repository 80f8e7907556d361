"""ml-connector: Amazon's trade in the seller's books, proved to the cent."""

__version__ = "0.1.0"
