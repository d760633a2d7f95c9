"""What the algebra says: expected risks without simulation, their laws and limits, and their certified twins."""
