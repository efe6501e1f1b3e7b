"""Where workers run: existing engines start them, list them, end them and say why one ended. The queue feeds them."""
