"""Documents: ours into Sage's words, and Sage's back into ours. One module per kind; pure."""
