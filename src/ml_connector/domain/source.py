"""The port through which reference data is read from an ERP."""

from __future__ import annotations

from typing import Protocol

from ml_connector.domain.catalog import Identity, References


class Source(Protocol):
    """What can be read from one connected company."""

    async def ping(self) -> Identity:
        """Sign in, read who we are talking to, check the rights that posting needs. Raises what is wrong, exactly."""
        ...

    async def references(self) -> References:
        """Accounts, fiscal periods, currencies and branches, read now."""
        ...

    async def prepare(self) -> tuple[str, ...]:
        """Create what the target needs for the strongest reliability class, where the user may. Idempotent.

        Returns sentences that say what was found and done.
        """
        ...

    async def close(self) -> None:
        """Sign out and let go of every connection."""
        ...
