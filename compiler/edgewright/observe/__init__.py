"""What devices report, beside what they should."""
