"""Rules over loaded documents, before anything is resolved or built."""
