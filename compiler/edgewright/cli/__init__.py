"""One file a command, one error boundary."""
