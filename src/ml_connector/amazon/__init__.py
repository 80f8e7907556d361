"""Amazon's Selling Partner API: signing in, asking within its limits, reading its answers and files.

``auth`` signs in, ``client`` makes one call, ``limits`` lists the operations and their quotas, ``errors`` says what a refusal
means, ``paging`` follows page tokens, ``windows`` refuses times that Amazon would answer with nothing, ``planner`` foretells how
long the limits make it last. What is read: ``orders``, ``finances``, ``event_groups``, ``payouts``, ``reports`` with their
``documents`` and ``report_schedules``, ``catalog``, ``sellers``; the ``*_wire`` modules are their answers as Amazon writes them.
``settlement_file`` and ``order_report`` read files. ``connection`` is one selling account with all of that wired.
"""
