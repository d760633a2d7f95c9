"""What happens: drawing samples of a problem, and the risks of learners on them."""
