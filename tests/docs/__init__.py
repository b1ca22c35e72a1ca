"""The documentation is run: every command that it shows, in the order of the page, with the output that it claims."""
