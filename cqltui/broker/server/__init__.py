"""The server itself: starting, finding and guarding the embedded one, and reaching any."""
