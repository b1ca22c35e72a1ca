"""Ten thousand wrong documents a run: what `check` may never do, whatever it is given."""
