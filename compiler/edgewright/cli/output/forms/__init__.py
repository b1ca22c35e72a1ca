"""The forms of a report of `check`: one module each, with one function `render` from findings to text."""
