"""Conservative Q-Learning on logged bets. Knows nothing of queues, processes or screens: it imports no cqltui."""
