"""Redis, and nothing else talks to it: the server, the queue protocol (Lua) and the feed of events."""
