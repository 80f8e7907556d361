"""Amazon's Selling Partner API: signing in, asking within its limits, reading its files.

``auth`` signs in, ``client`` makes one call, ``limits`` lists the operations and their quotas, ``errors`` says what a refusal
means, ``paging`` follows page tokens. ``orders``, ``reports`` and ``sellers`` are the operations, ``settlement_file`` reads
the settlement report, ``connection`` is one selling account with all of that wired.
"""
