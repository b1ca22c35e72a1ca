"""The GenAI worker: runs in the `genai` environment; one step, `build`."""
