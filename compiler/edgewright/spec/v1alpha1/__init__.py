"""The served API version edgewright/v1alpha1."""
