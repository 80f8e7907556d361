"""One folder per ERP, each with the same rooms: config, auth, client, documents, reads, connector, quality.toml, README.md.

An ERP is a package that registers under the entry-point group ``ml_connector.erp``; see :mod:`ml_connector.erp.registry`.
"""
