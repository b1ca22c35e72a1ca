"""The runtimes that execute an artifact: one module each, all with the API of `base`, chosen by `load`."""
