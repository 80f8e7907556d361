"""One folder per ERP, each with the same rooms, in the order in which a document passes them:

``config`` (the sign-in form), ``auth`` and ``client`` (calls under a pass), ``errors``, ``odata`` and ``values`` (the wire's words),
``company`` (what one company can do), ``documents/`` (ours into the ERP's words and back, a module per kind, pure), ``routes/`` (how
they come to be there: steps, looks, writes), ``reads/`` (what plans are checked against, and what is followed), ``connector`` (the
port, one line for each question), ``quality.toml`` and ``README.md``.

An ERP is a package that registers under the entry-point group ``ml_connector.erp``; see :mod:`ml_connector.erp.registry`.
"""
