"""Whose certificate a connection trusts. There is no way to trust everybody."""

from __future__ import annotations

import ssl

from ml_connector.domain.errors import WrongUse


def trusting(pem: str) -> ssl.SSLContext:
    """A context that checks host name and chain as always, against ``pem`` alone. Raises :class:`WrongUse`.

    Systems on a customer's premises mostly show a self-signed certificate (SAP dossier, section 3.7; Sage dossier, section
    25): trusting a leaf must be possible, and such certificates lack the extensions that the strict profile of newer Pythons
    asks for.
    """
    try:
        context = ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise WrongUse("The certificate to trust is not PEM text (-----BEGIN CERTIFICATE-----).") from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
