"""What is happening, as a value: events in, `RunState` out. Pure: no clock, no I/O; time is an argument."""
