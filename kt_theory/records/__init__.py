"""Tables of samples: columns that know their places and faults, and the counts that records amount to."""
