"""The report of the ledger: a table for the terminal, and one HTML page."""
