"""What a checkout needs around the product: its environment, its locks, its verbs. Standard library only, up to ``locks``."""
