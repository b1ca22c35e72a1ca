"""Everything that runs on the device: agent, service and runtimes; imports nothing of the compiler."""
