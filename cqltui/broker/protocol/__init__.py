"""The queue protocol: tasks, leases and results on a Redis server, changed by Lua scripts only."""
