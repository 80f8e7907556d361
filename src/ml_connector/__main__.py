"""``python -m ml_connector``: the same as the command ``ml-connector``."""

from ml_connector.cli.main import main

main()
