"""Numbers that lose no digits: powers, deviances, binomial probabilities. Nothing here depends on teachers."""
