"""Organisation rules: typed expressions over blueprints, judged by `check`."""
