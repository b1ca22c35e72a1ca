"""edgewright: a declarative GitOps compiler for small language models at the edge."""
