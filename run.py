"""The door of the checkout: ``python3 run.py VERB``, the same as ``make VERB``.

Kept in a syntax that any Python can read, so that an old one can say what is missing instead of showing a syntax error.
The verbs themselves are in ``tools/verbs.py``.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)

if sys.version_info < OLDEST:
    nowhere = open(os.devnull, "w")
    for name in ("python3.13", "python3.12", "python3.11", "python3.14"):
        try:
            probe = [name, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            suits = subprocess.call(probe, stdout=nowhere, stderr=nowhere) == 0
        except OSError:
            suits = False
        if suits:
            sys.exit(subprocess.call([name, os.path.abspath(__file__)] + sys.argv[1:]))
    sys.stderr.write(
        "ml-connector needs Python 3.11 or newer, but %s is Python %d.%d and no newer one was found: "
        "install one, or name it with PYTHON=/path/to/python3 make ...\n"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
    sys.exit(2)

from tools.verbs import main

sys.exit(main(sys.argv[1:]))
