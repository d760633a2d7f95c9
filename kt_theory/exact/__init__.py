"""Expected risks without simulation, their laws and limits, and the same in certified ball arithmetic."""
