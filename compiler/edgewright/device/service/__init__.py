"""The HTTP service of a release: OpenAI-compatible API, health, metrics and self-test."""
