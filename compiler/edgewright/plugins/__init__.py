"""The seams: protocols, registry, worker protocol, environments."""
