"""Numbers that lose no digits: powers, deviances, binomial probabilities. They know nothing of teachers."""
