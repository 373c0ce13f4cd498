"""What decides: each detector takes inputs and returns decisions, and asks nobody anything."""
