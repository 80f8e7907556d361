"""What the program does, one file per flow, each readable from top to bottom.

``settlements`` reads and plans; ``proving`` certifies; ``reconcile`` looks again; ``inspect`` looks into one file. Flows meet
posting in the document table only.
"""
