"""The ledger of the bets that were really taken: what is in it, where it is stored, and what is read into it."""
