"""The attacks: where a statement is tried, and how one kind of claim is held against what happens there."""
