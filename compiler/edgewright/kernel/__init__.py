"""What every layer stands on: diagnostics, digests, units, files, processes, events, clock."""
