"""What happens on the queue, as events in order."""
