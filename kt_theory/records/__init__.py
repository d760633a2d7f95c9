"""Tables of samples: columns with the places and faults of their rows, and the counts that records amount to."""
